import { inspect } from 'node:util'
import t from 'tap'
import { withholdId } from '../../lib/connect/withhold-id'

const SESID = 'confidential-id'

t.test('an error that does not quote the id is returned as it is', async t => {
  const error = new Error('full', { cause: new Error('no space') })
  t.equal(withholdId(error, SESID), error)
  t.equal(withholdId('full', SESID), 'full')
  t.equal(withholdId(undefined, SESID), undefined)
})

t.test('an error that quotes the id is told without it, wherever it does', async t => {
  const error = Object.assign(new RangeError(`no ${SESID}.json`, { cause: `sess:${SESID}` }), { code: 'ENOENT', path: SESID })
  const told = withholdId(error, SESID) as RangeError & { code: string }
  t.match(told, { name: 'RangeError', message: 'no <session id>.json', code: 'ENOENT', cause: "'sess:<session id>'" })
  t.match(told.stack, 'no <session id>.json')
  t.notMatch(inspect(told, { depth: 9, showHidden: true }), SESID)
  t.notOk('code' in (withholdId(new Error(SESID), SESID) as object), 'no code where there was none')
  t.equal(withholdId([SESID], SESID), "[ '<session id>' ]", 'what is not an error becomes a text')
})
