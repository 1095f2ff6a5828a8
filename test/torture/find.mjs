// Many processes log in, switch users, regenerate, and find and end each other's sessions, while they are
// killed and stopped at random, and while the server of the store has trouble. What they were told is judged
// afterwards. --mutant has every process make a mistake that must be found.
//
//   npm run torture -- --find --seconds 20 --processes 4 [--store redis|postgres] [--mutant late-entry|no-confirm]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { leftInStore } from './find-leftovers.mjs'
import { judgeFinding } from './find-judge.mjs'
import { LIMIT, MUTANTS } from './find-rules.mjs'
import { tell } from './tell.mjs'

/** Past the time after which a lock is taken away, and after a fault, for requests to get on (ms). */
const STALL = 2500
const CALM = 700
/** So many sessions are known to all processes. */
const POOL = 24
/** Milliseconds. */
const NEWS = 50
const WORKER = fileURLToPath(new URL('find-worker.mjs', import.meta.url))
/** Figures that must be 0. */
export const WORST = ['missed', 'resurrected', 'limits exceeded', 'missing in a listing', 'lost from the index', 'entries left over', 'lists beyond the limit', 'errors']

/** Returns the figures, and how calls failed and how often. */
export async function tortureFinding ({ kind, started, directory, seconds, processes, mutant = '' }) {
  if (mutant !== '' && !Object.hasOwn(MUTANTS, mutant)) throw new Error(`--mutant must be ${Object.keys(MUTANTS).join(' or ')}`)
  const workers = new Set()
  const paths = []
  const pool = []
  const figures = { kills: 0, stops: 0, ...Object.fromEntries(Object.keys(started.faults).map(name => [name, 0])) }
  const news = setInterval(() => { for (const { child } of workers) tell(child, { pool }) }, NEWS)
  try {
    for (let count = 0; count < processes; count++) await startWorker()
    const end = Date.now() + seconds * 1000
    await Promise.all([trouble(end), troubleOfServer(end)])
    await stopWorkers()
  } finally {
    clearInterval(news)
    for (const { child } of workers) child.kill('SIGKILL')
  }
  const notes = paths.flatMap(notesIn)
  const { final, ...left } = await leftInStore(kind, started.settings)
  const errors = notes.filter(({ fault }) => fault !== undefined)
  for (const { fault } of errors) console.error(fault)
  const refusals = Map.groupBy(notes.filter(({ refused }) => refused !== undefined), ({ refused }) => refused)
  return {
    figures: {
      ...figures,
      logins: notes.filter(({ answered }) => answered !== undefined).length,
      ...judgeFinding([...notes, ...final], LIMIT),
      ...left,
      errors: errors.length
    },
    refusals: new Map([...refusals].map(([message, all]) => [message, all.length]))
  }

  async function trouble (end) {
    while (Date.now() < end) {
      await wait(100 + Math.random() * 400)
      const victim = [...workers][Math.floor(Math.random() * workers.size)]
      if (Math.random() < 0.8) await kill(victim)
      else stop(victim)
    }
  }

  async function troubleOfServer (end) {
    const names = Object.keys(started.faults)
    for (let turn = 0; names.length > 0 && Date.now() < end; turn++) {
      const name = names[turn % names.length]
      await started.faults[name]()
      figures[name]++
      await wait(CALM)
    }
  }

  async function startWorker () {
    const index = paths.length
    const path = join(directory, `finder-${index}.notes`)
    paths.push(path)
    const child = fork(WORKER, [String(index), kind, JSON.stringify(started.settings), path, mutant])
    const worker = { child, exited: once(child, 'exit'), stopped: null }
    workers.add(worker)
    child.on('message', ({ sesid }) => {
      if (sesid === undefined) return
      pool.push(sesid)
      if (pool.length > POOL) pool.shift()
    })
    await Promise.race([once(child, 'message'), worker.exited])
  }

  async function kill (worker) {
    clearTimeout(worker.stopped)
    worker.child.kill('SIGKILL')
    await worker.exited
    workers.delete(worker)
    figures.kills++
    await startWorker()
  }

  function stop (worker) {
    // Windows stops no process.
    if (worker.stopped !== null || process.platform === 'win32') return
    figures.stops++
    worker.child.kill('SIGSTOP')
    worker.stopped = setTimeout(() => {
      worker.stopped = null
      worker.child.kill('SIGCONT')
    }, STALL)
  }

  async function stopWorkers () {
    for (const worker of workers) {
      clearTimeout(worker.stopped)
      if (worker.stopped !== null) worker.child.kill('SIGCONT')
      tell(worker.child, { stop: true })
    }
    for (const { exited } of workers) await exited
    workers.clear()
  }
}

function notesIn (path) {
  if (!fs.existsSync(path)) return []
  // The last line may be cut short: then it was not acknowledged.
  return fs.readFileSync(path, 'utf8').split('\n').filter(line => line.endsWith('}')).map(line => JSON.parse(line))
}
