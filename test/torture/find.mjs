// Many processes log in, switch users, regenerate, renew ids by their age, and find and end each other's sessions, while they are
// killed and stopped at random, and while the server of the store has trouble. What they were told is judged
// afterwards. --mutant has every process make a mistake that must be found.
//
//   npm run torture -- --find --seconds 20 --processes 4 [--store redis|postgres] [--encryption] [--mutant late-entry|no-confirm|blind-renewal]
//
// With --encryption the secret changes meanwhile: it is listed last by more and more processes, and then first.
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Crew, notesIn } from './crew.mjs'
import { leftInStore } from './find-leftovers.mjs'
import { judgeFinding } from './find-judge.mjs'
import { LIMIT, MUTANTS, secretsAt } from './find-rules.mjs'

/** After a fault, for requests to get on (ms). */
const CALM = 700
/** So many sessions are known to all processes. */
const POOL = 24
/** Milliseconds. */
const NEWS = 50
const WORKER = fileURLToPath(new URL('find-worker.mjs', import.meta.url))
/** Figures that must be 0. */
export const WORST = ['missed', 'resurrected', 'limits exceeded', 'missing in a listing', 'listed without about', 'lost from the index', 'entries left over', 'lists beyond the limit', 'errors']

/** Returns the figures, and how calls failed and how often. */
export async function tortureFinding ({ kind, started, directory, seconds, processes, encryption = false, mutant = '' }) {
  if (mutant !== '' && !Object.hasOwn(MUTANTS, mutant)) throw new Error(`--mutant must be ${Object.keys(MUTANTS).join(' or ')}`)
  const pool = []
  /** All ids that a process was answered with. */
  const ids = new Set()
  let stage = 0
  const figures = { kills: 0, stops: 0, ...Object.fromEntries(Object.keys(started.faults).map(name => [name, 0])) }
  const crew = new Crew({
    program: WORKER,
    directory,
    kind,
    settings: started.settings,
    argumentsOf: index => [JSON.stringify({ mutant, secrets: encryption ? secretsAt(stage, index) : undefined })],
    hear ({ sesid }) {
      if (sesid === undefined) return
      ids.add(sesid)
      pool.push(sesid)
      if (pool.length > POOL) pool.shift()
    }
  })
  const news = setInterval(() => { crew.tell({ pool }) }, NEWS)
  try {
    for (let count = 0; count < processes; count++) await crew.start()
    const end = Date.now() + seconds * 1000
    await Promise.all([trouble(end), troubleOfServer(end)])
    await crew.end()
  } finally {
    clearInterval(news)
    await crew.destroy()
  }
  const notes = crew.notes.flatMap(notesIn)
  const { final, ...left } = await leftInStore(kind, started.settings, ids, encryption ? secretsAt(2, 0) : undefined)
  const errors = notes.filter(({ fault }) => fault !== undefined)
  for (const { fault } of errors) console.error(fault)
  const refusals = Map.groupBy(notes.filter(({ refused }) => refused !== undefined), ({ refused }) => refused)
  return {
    figures: {
      ...figures,
      kills: crew.kills,
      stops: crew.stops,
      logins: notes.filter(({ answered }) => answered !== undefined).length,
      'ids renewed': notes.filter(({ renewed }) => renewed !== undefined).length,
      ...judgeFinding([...notes, ...final], LIMIT),
      ...left,
      errors: errors.length
    },
    refusals: new Map([...refusals].map(([message, all]) => [message, all.length]))
  }

  async function trouble (end) {
    const begin = Date.now()
    while (Date.now() < end) {
      await wait(100 + Math.random() * 400)
      if (Math.random() < 0.8) await crew.kill()
      else crew.stop()
      const due = Math.min(Math.floor(3 * (Date.now() - begin) / (end - begin)), 2)
      if (!encryption || due === stage) continue
      // No process may be older by more than one step.
      stage = due
      await crew.killAll()
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
}
