import t from 'tap'
import { forwardedName, forwardingText, isForwarding, openForwarding } from '../../lib/store/forwarding'
import { isSealed } from '../../lib/store/sealed-text'
import { storageName } from '../../lib/store/session-id'

const to = { sesid: 'the new id, with a blank', since: 1_700_000_000_000, grace: 10_000 }

t.test('only the old id tells the new one', async t => {
  const text = forwardingText('sid', 'the old id', to)
  t.ok(isForwarding(text) && isSealed(text), 'no codec can make it')
  t.notOk(text.includes('new id') || text.includes('old id'))
  t.equal(forwardedName(text), storageName('sid', to.sesid))
  t.equal(forwardedName('{}'), null)
  t.strictSame(openForwarding('sid', 'the old id', text), to)
  t.equal(openForwarding('sid', 'another id', text), null)
  t.equal(openForwarding('other', 'the old id', text), null)
  t.equal(openForwarding('sid', storageName('sid', 'the old id'), text), null)
  t.not(forwardingText('sid', 'the old id', to), text, 'no nonce is used twice')
})

t.test('a text that was changed, cut off or is none does not open', async t => {
  const text = forwardingText('sid', 'old', { ...to, since: 5.5 })
  t.equal(openForwarding('sid', 'old', text)?.since, 5)
  for (let at = '$ffs>1$'.length; at < text.length; at++) {
    const changed = text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1)
    t.equal(openForwarding('sid', 'old', changed), null, `character ${at}`)
    t.equal(openForwarding('sid', 'old', text.slice(0, at)), null)
  }
  for (const other of ['', '{"n":1}', '$ffs>1$', '$ffs>1$*', '$ffs1$-$AAAA']) t.equal(openForwarding('sid', 'old', other), null)
})
