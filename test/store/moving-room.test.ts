import t from 'tap'
import { FileStore } from '../../lib/store/files/file-store'
import { MovingSessionStore } from '../../lib/store/moving-store'
import { LONGEST_PARTS } from '../../lib/store/sealed-text'
import { sessionDirectory } from '../support/session-files'

/** Bytes that the guide asks for beside the longest text and a third of it. */
const ROOM = 1536
/** Bytes for the marks of a move, the heading and the like. A header has the rest. */
const MARKS = 192
const LONGEST = 30_000
/** Characters of a part, and more. */
const PART = 100

t.test('an encrypted session moves that has about as many parts as it may', async t => {
  const encryption = { secrets: ['an old secret of 32 bytes at least'] }
  const maxSize = LONGEST * 4 / 3 + MARKS + LONGEST_PARTS
  const stores = [0, 1].map(() => new FileStore({ sessionDir: sessionDirectory(t), encryption, maxSize }))
  const [from, to] = stores as [FileStore, FileStore]
  t.teardown(async () => { for (const store of stores) await store.close() })
  await from.open()
  const sesid = await from.newSession()
  let text = ''
  // What changes is far from what changed before, so that no part takes the place of another.
  for (let n = 200, length = 0; length < LONGEST * 4 / 3 + LONGEST_PARTS - PART; n++) {
    text = `${Math.ceil(n / 2)}`.padEnd(LONGEST - 3) + `${Math.floor(n / 2)}`
    await from.putSession(sesid, text)
    const before = length
    length = (await from.read(from.nameOf(sesid)))?.text.length ?? 0
    if (length < before) throw new Error('the session was written whole before it had so many parts')
  }
  t.ok(MARKS + LONGEST_PARTS < ROOM)
  const store = new MovingSessionStore({ from, to })
  await store.open()
  t.equal(await store.getSession(sesid), text)
})
