import { setTimeout as wait } from 'node:timers/promises'
import { SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles, setTimes } from '../support/files.mjs'

/** Seconds. */
const TEN_YEARS = 10 * 365 * 24 * 3600
const IDLE_TIMEOUT = 1

/** Sessions that were used when the clock was ten years ahead. Now it is right, and all of them lie unused. */
async function futureStamps (ground) {
  for (const what of ['a sweep', 'a request', 'file-sessions clean']) {
    const sessionDir = ground.directory()
    const store = new SessionFileStore({ sessionDir, idleTimeout: IDLE_TIMEOUT })
    await store.open()
    const ids = []
    for (let count = 0; count < 5; count++) ids.push(await store.newSession())
    for (const path of sessionFiles(sessionDir)) setTimes(path, TEN_YEARS)
    const newProcess = () => new SessionFileStore({ sessionDir, idleTimeout: IDLE_TIMEOUT })
    if (what === 'a sweep') await newProcess().reap()
    else if (what === 'a request') for (const sesid of ids) await newProcess().getSession(sesid)
    else ground.command(['clean', sessionDir, '--idle', `${IDLE_TIMEOUT}s`])
    await wait(IDLE_TIMEOUT * 1000 + 200)
    for (const sesid of ids) {
      ground.judge(await newProcess().getSession(sesid) !== null, `a session of a time when the clock was ahead lives for ever, after ${what}`)
    }
  }
}

export const attacks = [{ entry: 24, name: 'sessions that were used when the clock was years ahead', run: futureStamps }]
