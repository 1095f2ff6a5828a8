import fs from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles } from '../support/files.mjs'
import { fetchFrom } from '../support/site.mjs'

const MEGABYTE = 1024 * 1024
const SPARSE = 700 * MEGABYTE
/** What a request may take of the memory at most. */
const MOST = 128 * MEGABYTE
/** The cache's limit, and a quarter more for what the garbage collector leaves. */
const CACHE_AT_MOST = 40 * MEGABYTE
const IDS = 60_000

async function sparseFile (ground) {
  for (const [name, content] of [['of zeros', ''], ['that begins as a session', null]]) {
    const sessionDir = ground.directory()
    const store = new SessionFileStore({ sessionDir })
    await store.open()
    const sesid = await store.newSession()
    const [path] = sessionFiles(sessionDir)
    if (content !== null) fs.writeFileSync(path, content)
    fs.truncateSync(path, SPARSE)
    const server = await ground.start('server.mjs', [JSON.stringify({ sessionDir })])
    const { port } = server.first
    const memory = async () => (await fetchFrom(port, '/memory')).body.mostKilobytes * 1024
    await fetchFrom(port, '/set', { body: { n: 1 } })
    const before = await memory()
    await fetchFrom(port, '/read', { cookie: `sid=${sesid}` })
    await fetchFrom(port, '/logout', { cookie: `sid=${sesid}`, body: {} })
    ground.judge(await memory() - before > MOST, `a sparse file ${name} is read into the memory`)
  }
}

/** The records announce more text than the file holds, or than a session may have. */
async function longRecord (ground) {
  const sessionDir = ground.directory()
  const store = new SessionFileStore({ sessionDir })
  await store.open()
  const sesid = await store.newSession()
  const [path] = sessionFiles(sessionDir)
  const record = fs.readFileSync(path)
  record.writeUInt32LE(0xffffffff, 8)
  fs.writeFileSync(path, record)
  fs.truncateSync(path, SPARSE)
  const before = process.resourceUsage().maxRSS
  await new SessionFileStore({ sessionDir }).getSession(sesid).catch(() => null)
  ground.judge((process.resourceUsage().maxRSS - before) * 1024 > MOST, 'a record that announces 4 GB is made room for')
}

async function failingIds (ground) {
  const sessionDir = ground.directory()
  const store = new SessionFileStore({ sessionDir })
  await store.open()
  // Opening fails, other than for a file that is missing.
  for (let shard = 0; shard < 256; shard++) fs.writeFileSync(join(sessionDir, 'sid', shard.toString(16).padStart(2, '0')), '', { mode: 0o600 })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const used = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  await store.getSession('first').catch(() => {})
  const before = used()
  for (let count = 0; count < IDS; count += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => {
      // Flat, as a header's value is.
      const id = Buffer.alloc(1000, `${count + index}-`).toString('latin1')
      return store.getSession(id).catch(() => {})
    }))
  }
  ground.tried(IDS)
  const taken = used() - before
  ground.succeeded(`unknown ids take ${Math.round(taken / MEGABYTE)} MiB of memory`, taken > CACHE_AT_MOST ? 1 : 0)
}

export const attacks = [
  { entry: 15, name: 'a sparse file of 700 MB as a session', run: sparseFile },
  { entry: 15, name: 'a record that announces a text of 4 GB', run: longRecord },
  { entry: 15, name: `${IDS} long ids whose files cannot be opened`, run: failingIds }
]
