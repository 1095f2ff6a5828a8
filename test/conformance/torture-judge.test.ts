import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { judge, type Note, type Run, type Witness } from '../../lib/conformance/torture-judge'
import { MemoryStore } from '../support/map-store'

const COUNTS = { kills: 1, moves: 2, ends: 3 }

/** A run of sessions with these texts by key, and of workers with these notes. */
async function runOf (t: Test, texts: Record<string, object>, notes: Record<string, Note[] | string>, killed: readonly string[] = []): Promise<{ store: MemoryStore, run: Run }> {
  const directory = t.testdir()
  const store = new MemoryStore()
  for (const [key, text] of Object.entries(texts)) await store.create(`name of ${key}`, { text: JSON.stringify(text) })
  const workers = Object.entries(notes).map(([name, lines]): Witness => {
    const path = join(directory, name)
    writeFileSync(path, typeof lines === 'string' ? lines : lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    return { name, notes: path, wasKilled: killed.includes(name) }
  })
  const slots = Object.keys(texts).map(key => ({ key, name: `name of ${key}` }))
  return { store, run: { slots, workers, ended: new Set(['an old name']), counts: COUNTS } }
}

t.test('updates that were acknowledged and are there, once, are in order', async t => {
  const { store, run } = await runOf(t, { one: { a: 2, b: 1 }, other: { b: 1 } }, {
    a: [{ key: 'one', acknowledged: 1 }, { key: 'one', acknowledged: 2 }], b: [{ key: 'one', acknowledged: 1 }, { key: 'other', acknowledged: 1 }]
  })
  t.strictSame(await judge(store, run), { ...COUNTS, acknowledged: 4, found: 4, lost: 0, doubled: 0, resurrected: 0, errors: [] })
})

t.test('what is missing was lost, and what is there once more was doubled', async t => {
  const { store, run } = await runOf(t, { one: { a: 1, b: 5 } }, { a: [{ key: 'one', acknowledged: 3 }], b: [{ key: 'one', acknowledged: 3 }] })
  t.match(await judge(store, run), { acknowledged: 6, found: 4, lost: 2, doubled: 2 })
})

t.test('a process that was killed may have stored one more, and what its last line says is not counted', async t => {
  const { store, run } = await runOf(t, { one: { a: 2 } }, { a: '{"key":"one","acknowledged":1}\n{"key":"one","ackn' }, ['a'])
  t.match(await judge(store, run), { acknowledged: 1, found: 1, doubled: 0, errors: [] })
  run.workers[0]!.wasKilled = false
  t.match(await judge(store, run), { doubled: 1 }, 'another may not')
})

t.test('what a process saw itself counts, and errors are told once', async t => {
  const { store, run } = await runOf(t, { one: { a: 1 } }, {
    a: [{ key: 'one', acknowledged: 1 }, { key: 'one', fault: 'lost' }, { key: 'one', fault: 'doubled' }, { error: 'down' }], b: [{ error: 'down' }]
  })
  t.match(await judge(store, run), { lost: 1, doubled: 1, errors: ['down'] })
})

t.test('a session that has moved or ended and is there again was resurrected', async t => {
  const { store, run } = await runOf(t, { one: { a: 1 } }, { a: [{ key: 'one', acknowledged: 1 }] })
  await store.create('an old name', { text: '{}' })
  t.match(await judge(store, run), { resurrected: 1, lost: 0 })
})

t.test('a session that is gone has lost its updates; a run in which nothing was acknowledged shows nothing', async t => {
  const { store, run } = await runOf(t, { one: {} }, { a: [{ key: 'one', acknowledged: 1 }] })
  await store.remove('name of one')
  t.match(await judge(store, run), { lost: 1, errors: [] })
  t.match(await judge(store, { ...run, workers: [] }), { acknowledged: 0, errors: ['not one update was acknowledged'] })
})
