import fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SessionFileStore } from 'fastify-file-sessions'
import { create } from '../support/create.mjs'
import { sessionFiles, setTimes } from '../support/files.mjs'
import { hook } from '../support/fs-hooks.mjs'

const CREATORS = 6
const OTHER_PROCESS = fileURLToPath(new URL('../support/create-session.mjs', import.meta.url))

/** Each with a store of its own, as in different processes. */
async function stores (count, options) {
  const all = Array.from({ length: count }, () => new SessionFileStore(options))
  for (const store of all) await store.open()
  return all
}

async function manyCreators (ground) {
  const sessionDir = ground.directory()
  const creators = await stores(CREATORS, { sessionDir, durability: 'fsync' })
  for (let round = 0; round < 150; round++) {
    const acknowledged = []
    await Promise.all(creators.map(async (store, index) => {
      if (await create(store, `id-${round}`, `by ${index}`)) acknowledged.push(`by ${index}`)
    }))
    ground.tried()
    ground.succeeded('several creators of one id were acknowledged', acknowledged.length > 1 ? 1 : 0)
    const [reader] = await stores(1, { sessionDir })
    ground.succeeded('a session that was acknowledged is not there', acknowledged.includes(await reader.getSession(`id-${round}`)) ? 0 : 1)
  }
}

/**
 * Just before a creator's nth system call of a kind another process makes a session under the same id. At most one of
 * them may be acknowledged, and that one's session is there.
 */
async function creatorBetween (ground, names) {
  const state = { calls: 0, at: -1 }
  for (const name of names) {
    hook(name, () => {
      if (state.name === name && state.calls++ === state.at) ground.sh(process.execPath, OTHER_PROCESS, state.sessionDir, 'id', 'theirs')
    })
  }
  for (const name of names) {
    for (let at = 0; at < 4; at++) {
      const sessionDir = ground.directory()
      const [store] = await stores(1, { sessionDir })
      // So that no directory has to be made.
      await create(store, 'id', 'before')
      await store.delSession('id')
      Object.assign(state, { sessionDir, name, at, calls: 0 })
      const isMine = await create(store, 'id', 'mine')
      state.name = null
      if (state.calls <= at) break
      const isTheirs = fs.existsSync(join(sessionDir, 'acknowledged'))
      const [reader] = await stores(1, { sessionDir })
      const text = await reader.getSession('id')
      ground.tried()
      ground.succeeded(`two creators were acknowledged (before ${name})`, isMine && isTheirs ? 1 : 0)
      ground.succeeded(`a session that was acknowledged is not there (before ${name})`,
        isMine || isTheirs ? (text === (isMine ? 'mine' : 'theirs') ? 0 : 1) : 0)
    }
  }
}

/** A creator that has no room fails, while one that needs little makes the session. */
async function failedCreator (ground) {
  const sessionDir = ground.tmpfs('size=128k')
  const state = {}
  let acknowledged = false
  for (const name of ['write', 'unlink']) {
    hook(name, () => {
      if (state.name !== name) return
      state.name = null
      const before = join(sessionDir, 'acknowledged')
      fs.rmSync(before, { force: true })
      ground.sh(process.execPath, OTHER_PROCESS, sessionDir, state.sesid, 'theirs')
      acknowledged = fs.existsSync(before)
    })
  }
  for (const name of ['write', 'unlink']) {
    for (let round = 0; round < 3; round++) {
      const sesid = `${name}-${round}`
      const [store] = await stores(1, { sessionDir })
      await create(store, sesid, 'before')
      await store.delSession(sesid)
      acknowledged = false
      Object.assign(state, { name, sesid })
      const error = await create(store, sesid, 'x'.repeat(300_000)).catch(error => error)
      state.name = null
      if (!(error instanceof Error)) throw new Error('the disk is not full')
      const [reader] = await stores(1, { sessionDir })
      ground.judge(acknowledged && await reader.getSession(sesid) !== 'theirs',
        "a creator that failed removes another's session")
    }
  }
}

/** A sweep that stalls before it unlinks an expired session, whose id gets a new one meanwhile. */
async function stalledSweep (ground) {
  const sessionDir = ground.directory()
  const [store] = await stores(1, { sessionDir })
  const state = { isArmed: false }
  for (const name of ['unlink', 'rename']) {
    hook(name, path => {
      if (!state.isArmed || !/\/[0-9a-f]{62}$/.test(path)) return
      state.isArmed = false
      ground.sh(process.execPath, OTHER_PROCESS, sessionDir, 'id', 'theirs')
    })
  }
  for (let round = 0; round < 3; round++) {
    await create(store, 'id', 'old')
    for (const path of sessionFiles(sessionDir)) setTimes(path, -100_000)
    fs.rmSync(join(sessionDir, 'acknowledged'), { force: true })
    state.isArmed = true
    await store.reap()
    const isTheirs = fs.existsSync(join(sessionDir, 'acknowledged'))
    const [reader] = await stores(1, { sessionDir })
    ground.judge(isTheirs && await reader.getSession('id') !== 'theirs', 'a sweep removes a session that was made a moment ago')
    await store.delSession('id')
  }
}

export const attacks = [
  { entry: 5, name: "creators of one id at once, durability 'fsync'", run: manyCreators },
  { entry: 5, name: "another process's creation before each step of one", run: ground => creatorBetween(ground, ['open', 'write', 'fstat', 'fdatasync', 'mkdir', 'link', 'rename', 'unlink']) },
  { entry: 5, name: 'a creation that fails for want of room', run: failedCreator },
  { entry: 5, name: 'a creation under an id that is being swept', run: stalledSweep }
]
