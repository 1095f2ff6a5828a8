/** The load: as many requests as a server answers, over a fixed number of connections. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isInstalled, LOAD_CORE, pinned } from './processes.mjs'

const run = promisify(execFile)
const hasWrk = isInstalled('wrk')

export const CONNECTIONS = 32
export const loadTool = hasWrk ? 'wrk' : 'autocannon'

/**
 * Requests `path` with these cookies in turn. Two connections never bring the same cookie at once
 * when there are more cookies than connections, or hardly ever.
 *
 * wrk knows whole seconds only: it is told to stop after a part of one.
 *
 * Answers { requests, seconds, failed, p50, p99 }; times of answers in milliseconds.
 */
export async function load ({ port, path, cookies, seconds, scratch }) {
  const cookieFile = join(scratch, 'cookies')
  writeFileSync(cookieFile, cookies.map(cookie => `${cookie}\n`).join(''))
  const [command, args] = hasWrk
    ? ['wrk', ['-t1', '--timeout', '30s', `-c${CONNECTIONS}`, `-d${Math.ceil(seconds)}s`, '-s', fileURLToPath(new URL('load.lua', import.meta.url)),
        `http://127.0.0.1:${port}`, '--', path, cookieFile]]
    : [process.execPath, [fileURLToPath(new URL('load-autocannon.mjs', import.meta.url)),
        JSON.stringify({ port, path, cookieFile, seconds, connections: CONNECTIONS })]]
  const running = run(...pinned(LOAD_CORE, command, args))
  const isCut = hasWrk && !Number.isInteger(seconds)
  const timer = isCut ? setTimeout(() => { running.child.kill('SIGINT') }, seconds * 1000) : undefined
  const { stdout } = await running
  clearTimeout(timer)
  const result = /^RESULT (.*)$/m.exec(stdout)
  if (result === null) throw new Error(`the load generator gave no result:\n${stdout}`)
  return JSON.parse(result[1])
}
