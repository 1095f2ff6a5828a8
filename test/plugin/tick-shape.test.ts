import { executionAsyncResource } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { kept, keepTickShape } from '../../lib/plugin/tick-shape'

setFlagsFromString('--expose-gc')
setFlagsFromString('--allow-natives-syntax')
const collect = runInNewContext('gc') as () => void
/** Whether V8 keeps both objects by one description. */
// eslint-disable-next-line no-new-func -- other files cannot be parsed with this syntax
const haveOneShape = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: object, b: object) => boolean

async function newTick (): Promise<object> {
  return await new Promise(resolve => { process.nextTick(() => { resolve(executionAsyncResource()) }) })
}

t.test('objects of process.nextTick keep their shape through collections that find none but the one that is kept', async t => {
  t.equal(kept, undefined)
  keepTickShape()
  await newTick()
  const first = kept as unknown as object
  for (let round = 0; round < 3; round++) {
    collect()
    const tick = await newTick()
    t.not(tick, first)
    t.ok(haveOneShape(tick, first))
    t.notOk(haveOneShape({}, first))
  }
})

t.test('one is kept for the process, however many apps it has', async t => {
  const first = kept
  keepTickShape()
  await newTick()
  t.equal(kept, first)
})
