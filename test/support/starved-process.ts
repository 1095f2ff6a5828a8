import { closeSync, openSync } from 'node:fs'
import { hasCode } from '../../lib/errors'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { openDescriptors } from './disks'
import { newSession } from './new-session'

/** Run with few descriptors allowed: what the store says when there are none left, and afterwards. */
async function report (sessionDir: string): Promise<unknown> {
  const store = new SessionFileStore({ sessionDir, durability: 'fsync' })
  const { sesid, name } = await newSession(store, 'before')
  const other = new SessionFileStore({ sessionDir })
  const before = openDescriptors()
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch (error) {
    if (!hasCode(error, 'EMFILE')) throw error
  }
  const errors = []
  const works = [
    () => other.getSession(sesid), () => store.putSession(sesid, 'starved'), () => store.newSession(),
    () => store.replace(name, { text: 'starved' }, '')]
  for (const work of works) {
    errors.push(await work().then(value => ({ value }), (error: Error) =>
      ({ name: error.name, message: error.message, cause: (error.cause as NodeJS.ErrnoException).code })))
  }
  const cached = await store.getSession(sesid)
  for (const fd of taken) closeSync(fd)
  const after = openDescriptors()
  const read = await other.getSession(sesid)
  await store.putSession(sesid, 'after')
  return { taken: taken.length, before, after, errors, cached, read, saved: await other.getSession(sesid), made: await store.newSession() }
}

report(process.argv[2] ?? '').then(
  value => process.send?.(value, () => { process.disconnect() }),
  error => process.send?.({ error: String(error) }, () => { process.disconnect() }))
