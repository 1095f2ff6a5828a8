import { forEach } from './list'
import type { Place, Verified } from './place'
import { print, printJson, Progress, type Terminal } from './terminal'

export interface VerifyOptions { appid?: string, json?: boolean }

type Problem = NonNullable<Verified['problem']>

/** Reads everything, and names what is torn, unreadable or not ours. Changes nothing. */
export async function verify (place: Place, { appid, json = false }: VerifyOptions, terminal: Terminal): Promise<number> {
  const counts = { torn: 0, foreign: 0, unreadable: 0 }
  const problems: Problem[] = []
  let sessions = 0
  function report (problem: Problem, show: (line: string) => void): void {
    counts[problem.kind]++
    if (json) problems.push(problem)
    else show(`${problem.kind}  ${problem.what}${problem.reason === undefined ? '' : `: ${problem.reason}`}`)
  }
  for (const path of await place.foreign(appid)) report({ kind: 'foreign', what: path }, line => { print(terminal.out, line) })
  const isWhole = await forEach(await place.appids(appid), 'verify the sessions', terminal, async each => {
    const progress = new Progress(terminal, each.appid)
    try {
      for await (const { isSession, problem } of each.verify(progress.report)) {
        if (isSession) sessions++
        if (problem !== null) report(problem, line => { progress.print(line) })
      }
    } finally {
      progress.stop()
    }
    return true
  })
  if (json) printJson(terminal.out, { sessions, ...counts, problems })
  else print(terminal.out, `${sessions} sessions: ${counts.torn} torn, ${counts.unreadable} unreadable; ${counts.foreign} foreign`)
  if (!isWhole || counts.unreadable > 0) return 2
  return counts.torn + counts.foreign > 0 ? 1 : 0
}
