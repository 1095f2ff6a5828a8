import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** An app in a process of its own, that has said where it listens. */
export interface ChildApp {
  address: string
  process: ChildProcess
  /** Ends the process with a signal; answers its exit code and the signal that ended it. */
  end (signal: NodeJS.Signals): Promise<{ code: number | null, signal: NodeJS.Signals | null }>
}

/**
 * Starts `node` with these parameters, and waits for a line of its output with an address in it.
 * Rejects with all of its output if it ends before.
 */
export async function startApp (parameters: string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<ChildApp> {
  const child = spawn(process.execPath, parameters, {
    cwd, env: { PATH: process.env['PATH'], PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe']
  })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  let output = ''
  child.stderr.on('data', chunk => { output += String(chunk) })
  const address = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', line => {
      output += `${line}\n`
      const [found] = /http:\/\/[\w.:[\]]+\d/.exec(line) ?? []
      if (found !== undefined) resolve(found)
    })
    child.once('close', () => { reject(new Error(`the app ended before it listened:\n${output}`)) })
  })
  return {
    address,
    process: child,
    async end (name) {
      child.kill(name)
      const [code, signal] = await ended
      return { code, signal }
    }
  }
}
