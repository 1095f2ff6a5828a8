import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Note } from '../../lib/conformance/torture-judge'

const PROGRAM = require.resolve('../../lib/conformance/torture-process')
const SLOT = { key: 'key', name: 'name' }

/**
 * Lets the program work on a store in its memory, and returns its notes. `read` and `replace` are the bodies of the verbs,
 * with what is stored in `state`; `stop()` tells the program that the time is over.
 */
async function notesOf (t: Test, { read = '', replace }: { read?: string, replace: string }): Promise<Note[]> {
  const directory = t.testdir({
    'store.mjs': `
      const state = { text: '{}', version: 0 }
      const stop = () => { process.emit('message', { stop: true }) }
      export const makeStore = () => ({
        async open () {},
        async close () {},
        async read (name) { ${read}; return { text: state.text, version: String(state.version) } },
        async replace (name, { text }, version) {
          ${replace}
          Object.assign(state, { text, version: state.version + 1 })
          return { result: 'replaced', version: String(state.version) }
        }
      })`
  })
  const notes = join(directory, 'notes')
  const child = fork(PROGRAM, [join(directory, 'store.mjs'), 'me', notes])
  const exited = once(child, 'exit')
  child.on('message', message => { if (message === 'ready') child.send({ slots: [SLOT] }) })
  t.strictSame(await exited, [0, null])
  return readFileSync(notes, 'utf8').split('\n').slice(0, -1).map(line => JSON.parse(line) as Note)
}

t.test('it counts up in the session until it is told to stop, and notes what was acknowledged, what is missing and what is there once more', async t => {
  const notes = await notesOf(t, {
    replace: `
      if (state.version === 1) text = '{}'
      if (state.version === 2) text = '{"me":7}'
      if (state.version === 3) stop()`
  })
  t.strictSame(notes, [
    { key: 'key', acknowledged: 1 }, { key: 'key', acknowledged: 2 }, { key: 'key', fault: 'lost' }, { key: 'key', acknowledged: 1 },
    { key: 'key', fault: 'doubled' }, { key: 'key', acknowledged: 8 }
  ])
})

t.test('an update that was told conflict, and a session that is not there, are not acknowledged', async t => {
  const notes = await notesOf(t, {
    read: 'if (state.version === 1) { stop(); return null }',
    replace: "state.version++; return { result: 'conflict' }"
  })
  t.strictSame(notes, [])
})

t.test('what it meets is noted, and it ends', async t => {
  t.strictSame(await notesOf(t, { replace: "throw new Error('the server is down')" }), [{ error: 'Error: the server is down' }])
})
