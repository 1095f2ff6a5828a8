/** Starts the processes of a benchmark, each on a core of its own, and ends them. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const SERVER_CORE = 0
export const LOAD_CORE = 1
/** Of Redis and PostgreSQL: a core of their own where there is one, so that they do not wait for the load. */
export const STORE_CORE = cpus().length > 2 ? 2 : LOAD_CORE

const canPin = isInstalled('taskset') && cpus().length > 1
if (!canPin) console.log('taskset is missing or there is one core only: nothing is pinned, so take the figures with care')

export function isInstalled (command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** The command that runs another on one core. */
export function pinned (core, command, args) {
  return canPin ? ['taskset', ['-c', String(core), command, ...args]] : [command, args]
}

/** Runs this process, all its threads included, on one core from now on. */
export function pinSelf (core) {
  if (canPin) spawnSync('taskset', ['-acp', String(core), String(process.pid)])
}

/**
 * Starts a contender's app. `place` is where it may put a directory of its own, which `stop`
 * removes unless it is told to leave that to the end of the benchmark. `app`: whose app it runs, if not
 * its own; `node`: the Node that runs it, if not this one.
 */
export async function startServer ({ name, app = name, node = process.execPath }, { place, ports = {}, nodeOptions = [], wrap = [] }) {
  const dir = place === undefined ? undefined : mkdtempSync(join(place, `${name}-`))
  const script = fileURLToPath(new URL('server.mjs', import.meta.url))
  const [command, ...args] = [...wrap, node, ...nodeOptions, script, app,
    JSON.stringify({ dir: dir && join(dir, 'sessions'), ...ports })]
  const child = spawn(...pinned(SERVER_CORE, command, args), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' }
  })
  const ended = once(child, 'exit')
  const answer = async () => {
    const message = await Promise.race([once(child, 'message'), ended.then(() => null)])
    if (message === null) throw new Error(`${name}: the server ended, with code ${child.exitCode}`)
    return message[0].answer
  }
  const removeDir = () => { if (dir !== undefined) rmSync(dir, { recursive: true, force: true }) }
  try {
    const port = await answer()
    return {
      port,
      dir,
      pid: child.pid,
      ask: question => {
        child.send({ question })
        return answer()
      },
      stop: async ({ leaveDir = false } = {}) => {
        child.send({ question: 'close' })
        await ended
        if (!leaveDir) removeDir()
      }
    }
  } catch (error) {
    removeDir()
    throw error
  }
}
