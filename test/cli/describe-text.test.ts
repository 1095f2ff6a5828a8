import t from 'tap'
import { describeText } from '../../lib/cli/describe-text'
import { departure, reservation } from '../../lib/store/moving-marks'
import { SessionCipher } from '../../lib/store/session-cipher'
import { headFor } from '../../lib/store/session-header'

const HEAD = headFor({ freshAt: 5 })
const TOKEN = 'a'.repeat(32)

t.test('plain, encrypted, and on its way between two stores', async t => {
  const sealed = new SessionCipher('sid', { secrets: undefined, acceptPlain: true, writePlain: false }).seal('id', '{"a":1}', HEAD)
  t.strictSame(describeText('{"a":1}'), { format: 'plain', sealed: null, text: '{"a":1}' })
  t.strictSame(describeText(`${HEAD}{"a":1}`), { format: 'plain', sealed: null, text: '{"a":1}' }, 'without what stands before it')
  t.strictSame(describeText(sealed), { format: 'encrypted', sealed: { format: 1, keyId: '-' }, text: sealed }, 'as it is stored')
  t.strictSame(describeText(departure(TOKEN, '{"a":1}')), { format: 'moving', sealed: null, text: '{"a":1}' })
  t.strictSame(describeText(departure(TOKEN, sealed)), { format: 'moving', sealed: { format: 1, keyId: '-' }, text: sealed })
  t.strictSame(describeText(reservation(TOKEN)), { format: 'moving', sealed: null, text: null }, 'of one that is to come there is no text yet')
  t.match(describeText('$ffs'), { format: 'encrypted', sealed: { format: 0, keyId: '' } }, 'also where its heading is damaged')
})
