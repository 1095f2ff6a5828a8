import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import type { SessionFileStoreOptions } from '../../lib/store/files/options'

/** A store in a process of its own; its methods, called over there. */
export interface OtherProcess {
  call: (method: string, ...given: unknown[]) => Promise<unknown>
}

/** Starts another process with a store of its own. It ends with the test. */
export function otherProcess (t: Test, options: SessionFileStoreOptions): OtherProcess {
  const child = fork(__filename, [JSON.stringify(options)], { execArgv: process.execArgv })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.disconnect()
    await ended
  })
  return { call: async (...message) => await ask(child, message) }
}

async function ask (child: ChildProcess, message: unknown[]): Promise<unknown> {
  child.send(message)
  const [answer] = await once(child, 'message') as [{ value?: unknown, error?: string }]
  if (answer.error !== undefined) throw new Error(answer.error)
  return answer.value
}

type Method = (...given: unknown[]) => Promise<unknown>

function answer (options: SessionFileStoreOptions): void {
  const store = new SessionFileStore(options)
  process.on('message', ([method = '', ...given]: [string, ...unknown[]]) => {
    (store as unknown as Record<string, Method>)[method]!.call(store, ...given).then(
      value => process.send?.({ value }),
      error => process.send?.({ error: String(error) }))
  })
}

if (require.main === module) answer(JSON.parse(process.argv[2] ?? '{}') as SessionFileStoreOptions)
