import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { torture } from '../../conformance'
import type { TortureReport } from '../../lib/conformance/torture-judge'
import { sessionDirectory } from '../support/session-files'

/** With no more time than it takes to make each kind of trouble. */
async function tortured (t: Test, module: string, by = ''): Promise<TortureReport> {
  const directory = sessionDirectory(t)
  Object.assign(process.env, { TORTURED_DIRECTORY: directory, TORTURED_BY: by, TORTURED_FROM: process.pid })
  t.teardown(() => {
    for (const name of ['TORTURED_DIRECTORY', 'TORTURED_BY', 'TORTURED_FROM']) delete process.env[name]
  })
  return await torture({ store: pathToFileURL(join(__dirname, 'tortured', module)), seconds: 0, processes: 2, sessions: 2 })
}

t.test('a store that keeps its promises loses nothing, however processes end', async t => {
  let report = await tortured(t, 'files.ts')
  // As before an update: the processes may not have begun when the time is over.
  while (report.acknowledged === 0) report = await tortured(t, 'files.ts')
  t.match(report, { lost: 0, doubled: 0, resurrected: 0, errors: [] })
  t.equal(report.found, report.acknowledged)
  t.ok(report.kills + report.moves + report.ends > 0, JSON.stringify(report))
})

/** A busy machine may give no process the moment that it takes: then the time begins anew. */
async function found (t: Test, by: string, count: 'lost' | 'doubled' | 'resurrected'): Promise<number> {
  for (;;) {
    const report = await tortured(t, 'wrong.ts', by)
    if (report[count] > 0) return report[count]
  }
}

t.test('a store that does not compare is found out', async t => {
  t.ok(await found(t, 'lost compares', 'lost') > 0)
})

t.test('so is one that stores an update twice', async t => {
  t.ok(await found(t, 'repetition', 'doubled') > 0)
})

t.test('so is one in which what has ended is still there', async t => {
  t.ok(await found(t, 'revival', 'resurrected') > 0)
})

t.test('a store that cannot be made is an error at once', async t => {
  await t.rejects(tortured(t, 'none.mjs'), { message: 'there is not a server' })
})

t.test('what processes meet is told, once', async t => {
  t.strictSame((await tortured(t, 'wrong.ts', 'trouble')).errors, ['Error: the server is down', 'not one update was acknowledged'])
})

t.test('a store that keeps nothing at all is found out', async t => {
  t.strictSame((await tortured(t, 'wrong.ts', 'oblivion')).errors, ['not one update was acknowledged'])
})
