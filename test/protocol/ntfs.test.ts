import t from 'tap'
import type { FileSystem } from './file-system'
import { AT_ONCE, onVolume, PENDING, servedRules } from './ntfs'
import type { Program } from './process'
import { run } from './report'
import { LIMITS, writer } from './scenario'
import { everySearch, NO_TROUBLE } from './search'
import { searches } from './searches/ntfs'
import { unlinkingFirst } from './windows-process'

const twoWriters = (): Program[] => [writer('A', 'a'), writer('B', 'b')]
const SEALED = 'a sealed file without a lock'

everySearch(searches, 'test')

t.test('a file that is unlinked before another is renamed to its place ends the session', async t => {
  for (const ntfs of [AT_ONCE, PENDING]) {
    for (const [start, make] of Object.entries(onVolume(ntfs))) {
      const { states, fault } = await run(twoWriters().map(program => unlinkingFirst(program, LIMITS)), make(), { ...NO_TROUBLE, preemptions: 2 })
      t.match(fault?.what, 'the session is gone though no process destroyed it', `found in ${states} states from ${start}`)
    }
  }
})

t.test('by the calls as they are, requests fail', async t => {
  const sealed = onVolume(AT_ONCE)[SEALED] as () => FileSystem
  const { fault } = await run(twoWriters(), sealed(), { ...NO_TROUBLE, preemptions: 2 }, servedRules('ab'))
  t.match(fault?.what, /^the update .* was refused$/)
  t.comment(fault?.trace.join('\n'))
})
