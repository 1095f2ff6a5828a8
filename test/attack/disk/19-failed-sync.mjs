import { join } from 'node:path'
import { SessionFileStore } from 'fastify-file-sessions'
import { lossyDisk } from '../support/lossy-disk.mjs'

/**
 * A save fails as the disk reports a fault while it syncs. Later saves, by the same process or another, may fail as
 * well; but one that was acknowledged is there after a power cut.
 */
async function savesAfterFault (ground, { isSameProcess, faults }) {
  const root = ground.directory()
  const sessionDir = join(root, 'sessions')
  const disk = lossyDisk(root)
  for (let round = 0; round < 10; round++) {
    const newStore = async () => {
      const store = new SessionFileStore({ sessionDir, durability: 'fsync' })
      await store.open()
      return store
    }
    const [first, second] = [await newStore(), await newStore()]
    const sesid = await first.newSession()
    await first.putSession(sesid, 'before')
    // In every other round the other process knows the session already.
    if (round % 2 === 1) await second.getSession(sesid)
    disk.failSyncs(faults)
    const isStored = await save(first, sesid, 'failed')
    const texts = ['before', 'failed']
    let last = isStored ? 'failed' : 'before'
    for (let later = 0; later < 3; later++) {
      const text = `later ${later}`
      texts.push(text)
      if (await save(isSameProcess ? first : second, sesid, text)) last = text
    }
    if (!disk.hasFailed) throw new Error('no sync was made to fail')
    const found = await afterPowerCut(ground, disk, sesid)
    // One that was not acknowledged may be there all the same.
    ground.judge(texts.indexOf(found) < texts.indexOf(last), 'a save that was acknowledged after a failed sync is lost at the power cut')
  }
}

async function save (store, sesid, text) {
  return await store.putSession(sesid, text).then(() => true, () => false)
}

/** What a new process finds in what is left. */
async function afterPowerCut (ground, disk, sesid) {
  const directory = join(ground.directory(), 'left')
  disk.cutPower(directory)
  const left = new SessionFileStore({ sessionDir: join(directory, 'sessions') })
  await left.open()
  return await left.getSession(sesid).catch(() => null)
}

export const attacks = [
  { entry: 19, name: 'a save after a failed sync, by the same process', run: ground => savesAfterFault(ground, { isSameProcess: true, faults: 1 }) },
  { entry: 19, name: 'a save after a failed sync, by another process', run: ground => savesAfterFault(ground, { isSameProcess: false, faults: 1 }) },
  { entry: 19, name: 'a save after several failed syncs', run: ground => savesAfterFault(ground, { isSameProcess: true, faults: 2 }) }
]
