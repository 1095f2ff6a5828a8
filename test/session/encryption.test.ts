import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { SessionError } from '../../lib/errors'
import type { EncryptionOptions } from '../../lib/store/encryption-options'
import { newRecordId, encodeRecord, fold, HEADER_SIZE, NO_RECORD } from '../../lib/store/files/journal'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { unopenedSessions } from '../../lib/unopened'
import { fileSessions } from '../support/command'
import { MapStore, MemoryStore, PromptStore } from '../support/map-store'
import { filesIn, pathOf, sessionDirectory } from '../support/session-files'
import { change, look, begin, json, Visits } from '../support/visits'

const OLD = 'an old secret of 32 bytes at least'
const NEW = 'a new secret of 32 bytes at least'
const STRICT = { secrets: [NEW], acceptPlain: false }

/** Makes a session so long that what changes of it is encrypted as a part. */
const FILLING = 'x'.repeat(2000)
const PARTS = /^\$ffs1\$[\w-]+\$[\w-]+(?:\.\d+:[\w-]+)+$/

type Encryption = boolean | EncryptionOptions

/** An app's process with a store of its own in the directory. */
async function processOf (sessionDir: string, encryption: Encryption, appid = 'sid'): Promise<Visits> {
  const store = new SessionFileStore({ sessionDir, appid, encryption })
  await store.open()
  return new Visits(store)
}

function words (sessionDir: string, word: string): number {
  return filesIn(sessionDir).filter(path => readFileSync(path).includes(word)).length
}

/** The text that a session's file says last, as it is stored. */
function storedText (sessionDir: string, sesid: string): string {
  return fold(readFileSync(pathOf(sessionDir, sesid))).tip?.text ?? ''
}

/** What an attacker does who may write to the directory: puts a record of the session in place of its file. */
function plant (sessionDir: string, sesid: string, text: string, appid = 'sid'): void {
  const record = { id: newRecordId(), text, idleTimeout: 0, createdAt: Date.now(), seal: false, ended: false, patches: 0 }
  const path = pathOf(sessionDir, sesid, appid)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(`${path}.new`, encodeRecord(record, NO_RECORD), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

async function warnings (visits: Visits): Promise<string[]> {
  return visits.log.filter(({ level }) => level === 'warn').map(({ message }) => message)
}

t.test('nothing of a session can be read in its directory', async t => {
  for (const encryption of [true, { secrets: [NEW] }, STRICT]) {
    const sessionDir = sessionDirectory(t)
    const visits = await processOf(sessionDir, encryption)
    const sesid = await visits.stored({ user: 'planted-word', filling: FILLING })
    await change(visits, sesid, { more: 'planted-word' })
    t.match(storedText(sessionDir, sesid), PARTS)
    const other = await processOf(sessionDir, encryption)
    t.strictSame(await look(other, sesid), { user: 'planted-word', filling: FILLING, more: 'planted-word' })
    t.equal(words(sessionDir, 'planted-word'), 0)
    t.equal(words(sessionDir, sesid), 0)
    const visit = await other.begin(sesid)
    await visit.session.regenerate(['user'])
    await other.finish(visit)
    t.strictSame(await look(visits, visit.session.sessionId ?? ''), { user: 'planted-word' })
    t.equal(words(sessionDir, 'planted-word'), 0)
    t.strictSame(await warnings(visits), [])
  }
})

t.test('with secrets, what is written to the directory is not served', async t => {
  const sessionDir = sessionDirectory(t)
  const visits = await processOf(sessionDir, STRICT)
  const [ann, bob] = [await visits.stored({ user: 'ann' }), await visits.stored({ user: 'bob' })]
  const forged = new MemoryStore('sid', undefined, true)
  const planted = 'an-id-that-the-attacker-has-made-up'
  const attacks: Record<string, () => void> = {
    'a planted plain session': () => { plant(sessionDir, planted, '{"user":"admin"}') },
    'a planted empty session': () => { plant(sessionDir, planted, '') },
    'one that is encrypted without the secret': () => { plant(sessionDir, planted, forged.cipher.seal(planted, '{"user":"admin"}')) },
    'one under a secret of the attacker': () => {
      plant(sessionDir, planted, new MemoryStore('sid', undefined, { secrets: [OLD] }).cipher.seal(planted, '{"user":"admin"}'))
    },
    'another visitor\'s text': () => { plant(sessionDir, planted, storedText(sessionDir, ann)) }
  }
  for (const [name, attack] of Object.entries(attacks)) {
    attack()
    t.equal(await look(visits, planted), null, name)
    t.equal(await look(await processOf(sessionDir, STRICT), planted), null, name)
  }
  renameSync(pathOf(sessionDir, bob), pathOf(sessionDir, ann))
  t.equal(await look(visits, ann), null, 'swapped files')
})

t.test('two files of one app that are swapped are served to neither visitor, with secrets and without', async t => {
  for (const encryption of [true, STRICT]) {
    const sessionDir = sessionDirectory(t)
    const visits = await processOf(sessionDir, encryption)
    const [ann, bob] = [await visits.stored({ user: 'ann' }), await visits.stored({ user: 'bob' })]
    const [one, other] = [pathOf(sessionDir, ann), pathOf(sessionDir, bob)]
    const before = unopenedSessions().damaged
    renameSync(one, `${one}.swap`)
    renameSync(other, one)
    renameSync(`${one}.swap`, other)
    t.strictSame([await look(visits, ann), await look(visits, bob)], [null, null])
    t.equal(unopenedSessions().damaged, before + 2)
    t.equal(filesIn(sessionDir).filter(path => path.endsWith('.aside')).length, 2)
    t.equal(words(sessionDir, 'ann') + words(sessionDir, 'bob'), 0, 'and stay encrypted')
    rmSync(sessionDir, { recursive: true })
  }
})

t.test('a file with one bit changed, and a checksum to match, says what it said or nothing', async t => {
  const sessionDir = sessionDirectory(t)
  const visits = await processOf(sessionDir, STRICT)
  const sesid = await visits.stored({ user: 'ann' })
  const path = pathOf(sessionDir, sesid)
  const bytes = readFileSync(path)
  let served = 0
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = bytes.readUInt8(at) ^ 1 << at % 8
    if (at >= 8) changed.writeUInt32LE(crc32(changed.subarray(8)), 4)
    writeFileSync(path, changed, { mode: 0o600 })
    const said = await look(await processOf(sessionDir, STRICT), sesid).catch((error: Error) => error)
    const isRight = said === null || said instanceof SessionError || JSON.stringify(said) === '{"user":"ann"}'
    if (!isRight || (at >= HEADER_SIZE && said !== null)) t.fail(`byte ${at}: ${JSON.stringify(said)}`)
    if (said !== null && !(said instanceof Error)) served++
  }
  t.ok(served <= HEADER_SIZE, 'times and ids are not encrypted')
})

t.test('a record of another appid, or an edited one, is not served', async t => {
  for (const encryption of [true, STRICT]) {
    const sessionDir = sessionDirectory(t)
    const shop = await processOf(sessionDir, encryption, 'shop')
    const admin = await processOf(sessionDir, encryption, 'admin')
    const sesid = await shop.stored({ user: 'ann' })
    const text = fold(readFileSync(pathOf(sessionDir, sesid, 'shop'))).tip?.text ?? ''
    await admin.stored({ user: 'bob' })
    plant(sessionDir, sesid, text, 'admin')
    t.equal(await look(admin, sesid), null)
    t.strictSame(await look(shop, sesid), { user: 'ann' })

    const own = await processOf(sessionDir, encryption)
    const edited = await own.stored({ user: 'ann', role: 'guest' })
    const stored = storedText(sessionDir, edited)
    for (let at = 8; at < stored.length; at += 5) {
      plant(sessionDir, edited, stored.slice(0, at) + (stored[at] === 'A' ? 'B' : 'A') + stored.slice(at + 1))
      t.equal(await look(own, edited), null)
    }
  }
})

t.test('a damaged session is set aside, encrypted as it is; the log says so once, without id and data', async t => {
  const sessionDir = sessionDirectory(t)
  const visits = await processOf(sessionDir, { secrets: [NEW] })
  const before = unopenedSessions().damaged
  for (let round = 0; round < 3; round++) {
    const sesid = await visits.stored({ user: 'planted-word' })
    plant(sessionDir, sesid, storedText(sessionDir, sesid).slice(0, -4))
    t.equal(await look(visits, sesid), null)
    t.equal(filesIn(sessionDir).filter(path => path.endsWith('.aside')).length, round + 1)
    t.notMatch(JSON.stringify(visits.log), sesid)
  }
  const sesid = await visits.stored({ user: 'planted-word' })
  plant(sessionDir, sesid, '$ffs')
  t.equal(await look(visits, sesid), null, 'not even the heading is whole')
  t.equal(words(sessionDir, 'planted-word'), 0)
  t.match(await warnings(visits), [/not served: it is set aside/])
  t.equal(unopenedSessions().damaged, before + 4)
})

t.test('a session that a good record has replaced meanwhile is not set aside', async t => {
  const sessionDir = sessionDirectory(t)
  const visits = await processOf(sessionDir, true)
  const sesid = await visits.stored({ user: 'ann' })
  const good = storedText(sessionDir, sesid)
  plant(sessionDir, sesid, `${good}AAAA`)
  const visit = await visits.begin(sesid)
  t.strictSame(visit.session.data(), {})
  plant(sessionDir, sesid, good)
  await visits.finish(visit)
  t.strictSame(await look(visits, sesid), { user: 'ann' })
})

t.test('a deployment that lost its secret: nothing is removed, and it says so at the first failure', async t => {
  const sessionDir = sessionDirectory(t)
  const right = await processOf(sessionDir, { secrets: [OLD] })
  const sesids = [await right.stored({ n: 1 }), await right.stored({ n: 2 })] as const
  const wrongs: Array<[Encryption, 'unlisted' | 'unconfigured']> = [[{ secrets: [NEW] }, 'unlisted'], [true, 'unlisted'], [false, 'unconfigured']]
  for (const [encryption, cause] of wrongs) {
    const wrong = await processOf(sessionDir, encryption)
    const before = unopenedSessions()[cause]
    for (const sesid of sesids) {
      const visit = await wrong.begin(sesid)
      t.equal(visit.session.isNew, true)
      t.strictSame(await wrong.finish(visit), { change: 'none' }, 'the cookie stays')
      t.equal(await (wrong.store as SessionFileStore).getSession(sesid), null)
      await (wrong.store as SessionFileStore).putSession(sesid, 'over it')
    }
    t.equal(unopenedSessions()[cause], before + 4)
    t.match(await warnings(wrong), [/stays where it is/])
    t.match(wrong.log.find(({ level }) => level === 'warn')?.error, { code: 'SESSION_UNOPENED', reason: cause })
  }
  t.strictSame(await look(right, sesids[1]), { n: 2 }, 'once the secret is back, so are the sessions')
})

t.test('rotation: a session moves to the newest secret at its next save, and not before', async t => {
  const sessionDir = sessionDirectory(t)
  const old = await processOf(sessionDir, { secrets: [OLD] })
  const both = await processOf(sessionDir, { secrets: [NEW, OLD] })
  const only = await processOf(sessionDir, STRICT)
  const sesid = await old.stored({ n: 1 })
  const stored = storedText(sessionDir, sesid)
  t.strictSame(await look(both, sesid), { n: 1 })
  t.equal(storedText(sessionDir, sesid), stored, 'what is not changed is not sealed again')
  t.equal(await look(only, sesid), null)
  await change(both, sesid, { n: 2 })
  t.strictSame(await look(only, sesid), { n: 2 })
  t.equal(await look(old, sesid), null)
})

t.test('a small change to a long session takes few bytes, and moves to the newest secret as a whole', async t => {
  const sessionDir = sessionDirectory(t)
  const old = await processOf(sessionDir, { secrets: [OLD] })
  const sesid = await old.stored({ n: 0, filling: FILLING })
  const path = pathOf(sessionDir, sesid)
  const before = statSync(path).size
  for (let n = 1; n <= 5; n++) await change(old, sesid, { n })
  t.ok(statSync(path).size - before < 5 * 150, `${statSync(path).size - before} bytes`)
  t.match(storedText(sessionDir, sesid), PARTS)
  const both = await processOf(sessionDir, { secrets: [NEW, OLD] })
  t.strictSame(await look(both, sesid), { n: 5, filling: FILLING })
  await change(both, sesid, { n: 6 })
  t.notMatch(storedText(sessionDir, sesid), PARTS)
  await change(both, sesid, { n: 7 })
  t.match(storedText(sessionDir, sesid), PARTS)
  t.strictSame(await look(await processOf(sessionDir, STRICT), sesid), { n: 7, filling: FILLING })
  for (let n = 8; n < 300; n++) await change(both, sesid, { n })
  t.strictSame(await look(await processOf(sessionDir, STRICT), sesid), { n: 299, filling: FILLING })
  t.equal((await fileSessions(['verify', sessionDir])).out, '1 sessions: 0 torn, 0 unreadable; 0 foreign\n')
})

t.test('of two processes that add a part at once one has to merge, and the file need not be rewritten', async t => {
  const sessionDir = sessionDirectory(t)
  const [one, other] = [await processOf(sessionDir, STRICT), await processOf(sessionDir, STRICT)]
  const sesid = await one.stored({ a: 0, b: 0, filling: FILLING })
  const { ino } = statSync(pathOf(sessionDir, sesid))
  for (let n = 1; n <= 5; n++) {
    const visits = [await one.begin(sesid), await other.begin(sesid)] as const
    visits[0].session.set('a', n)
    visits[1].session.set('b', n)
    await Promise.all([one.finish(visits[0]), other.finish(visits[1])])
    t.strictSame(await look(await processOf(sessionDir, STRICT), sesid), { a: n, b: n, filling: FILLING })
  }
  t.match(storedText(sessionDir, sesid), PARTS)
  t.equal(statSync(pathOf(sessionDir, sesid)).ino, ino)
})

t.test('an earlier text of a chain is all that its start can be taken for', async t => {
  const sessionDir = sessionDirectory(t)
  const visits = await processOf(sessionDir, STRICT)
  const sesid = await visits.stored({ n: 0, filling: FILLING })
  for (let n = 1; n <= 3; n++) await change(visits, sesid, { n })
  const stored = storedText(sessionDir, sesid)
  for (let at = stored.indexOf('.'); at < stored.length; at += 3) {
    plant(sessionDir, sesid, stored.slice(0, at) + (stored[at] === 'A' ? 'B' : 'A') + stored.slice(at + 1))
    t.equal(await look(await processOf(sessionDir, STRICT), sesid), null, `edited at ${at}`)
    plant(sessionDir, sesid, stored.slice(0, at))
    const said = await look(await processOf(sessionDir, STRICT), sesid) as { n: number } | null
    if (said !== null && stored[at] !== '.') t.fail(`cut off at ${at}`)
  }
})

t.test('switching on: plain sessions are served, encrypted at their next save, and nothing of them stays', async t => {
  const sessionDir = sessionDirectory(t)
  const off = await processOf(sessionDir, false)
  const on = await processOf(sessionDir, { secrets: [NEW] })
  const sesid = await off.stored({ first: 'planted-word' })
  for (const key of ['second', 'third']) await change(off, sesid, { [key]: 'planted-word' })
  t.match(await look(on, sesid), { third: 'planted-word' })
  t.equal(words(sessionDir, 'planted-word'), 1, 'a look changes nothing')
  t.match(await warnings(on), [/is served, and encrypted at its next save/])
  await change(on, sesid, { fourth: 'planted-word' })
  t.equal(words(sessionDir, 'planted-word'), 0)
  t.match(await look(on, sesid), { first: 'planted-word', fourth: 'planted-word' })
  t.equal(await look(off, sesid), null)
  t.equal((await warnings(on)).length, 1, 'said once')
  const another = await off.stored({ user: 'planted-word' })
  await change(off, another, { user: 'planted-word-2' })
  await (on.store as SessionFileStore).putSession(another, '{"user":"by-the-store"}')
  t.equal(words(sessionDir, 'planted-word'), 0, 'the same by the five methods')
  t.strictSame(await look(on, another), { user: 'by-the-store' })
  t.equal(await look(await processOf(sessionDir, STRICT), await off.stored({ user: 'plain' })), null)
})

t.test('what a process without encryption stores too late is gone with the next save', async t => {
  for (const late of [false, { secrets: [NEW], writePlain: true }]) {
    const sessionDir = sessionDirectory(t)
    const [plain, on] = [await processOf(sessionDir, late), await processOf(sessionDir, { secrets: [NEW] })]
    const sesid = await plain.stored({ n: 1 })
    const underWay = await plain.begin(sesid)
    underWay.session.set('n', 'planted-word')
    await change(on, sesid, { n: 'planted-word' })
    await plain.finish(underWay).catch((error: unknown) => { t.match(error, { code: 'SESSION_UNOPENED' }) })
    t.equal(words(sessionDir, 'planted-word'), 1, 'a void record')
    await change(on, sesid, { more: 1 })
    t.equal(words(sessionDir, 'planted-word'), 0)
    t.strictSame(await look(on, sesid), { n: 'planted-word', more: 1 })
  }
})

t.test('switching with several processes: writePlain lets all of them serve all sessions', async t => {
  const sessionDir = sessionDirectory(t)
  const plain = await processOf(sessionDir, false)
  const ready = await processOf(sessionDir, { secrets: [NEW], writePlain: true })
  const on = await processOf(sessionDir, { secrets: [NEW] })
  const sesid = await plain.stored({ n: 1 })
  await change(ready, sesid, { n: 2 })
  t.strictSame(await look(plain, sesid), { n: 2 })
  await change(on, sesid, { n: 3 })
  t.strictSame(await look(ready, sesid), { n: 3 })
  await change(ready, sesid, { n: 4 })
  t.strictSame(await look(plain, sesid), { n: 4 }, 'and so it is switched off')
  t.strictSame(await warnings(ready), [])
})

t.test('two processes change a session at once: the changes are merged as plain data', async t => {
  const sessionDir = sessionDirectory(t)
  const [one, other] = [await processOf(sessionDir, { secrets: [OLD] }), await processOf(sessionDir, { secrets: [OLD] })]
  const sesid = await one.stored({ a: 0, b: 0 })
  const visits = [await one.begin(sesid), await other.begin(sesid)] as const
  visits[0].session.set('a', 1)
  visits[1].session.set('b', 1)
  await Promise.all([one.finish(visits[0]), other.finish(visits[1])])
  t.strictSame(await look(one, sesid), { a: 1, b: 1 })
  await Promise.all(Array.from({ length: 20 }, async (_, index) => {
    const visits = index % 2 === 0 ? one : other
    const visit = await visits.begin(sesid)
    await visit.session.update(draft => { draft['a'] = Number(draft['a']) + 1 })
    await visits.finish(visit)
  }))
  t.strictSame(await look(other, sesid), { a: 21, b: 1 })
})

t.test('a session that another process has encrypted under an unknown secret meanwhile is not overwritten', async t => {
  const store = new MemoryStore('sid', undefined, { secrets: [OLD] })
  const visits = new Visits(store)
  const sesid = await visits.stored({ n: 1 })
  const visit = await visits.begin(sesid)
  visit.session.set('n', 2)
  const text = new MemoryStore('sid', undefined, { secrets: [NEW] }).cipher.seal(sesid, '{"n":9}')
  store.overwrite(sesid, text)
  await t.rejects(visits.finish(visit), { code: 'SESSION_UNOPENED' })
  t.equal(store.recordOf(sesid)?.text, text)
})

t.test('the key of a session that the app ended is wiped', async t => {
  const { store, session, visit, visits, sesid } = await begin({ n: 1 }, new MemoryStore('sid', undefined, true))
  const forgotten: string[] = []
  t.intercept(store.cipher, 'forget', { value: (sesid: string) => { forgotten.push(sesid) } })
  await session.destroy()
  await visits.finish(visit)
  t.strictSame(forgotten, [sesid])
})

t.test('an encrypted text is never handed to the codec, whatever the codec takes', async t => {
  const store = new MemoryStore()
  const decoded: string[] = []
  const visits = new Visits(store, { codec: { encode: json.encode, decode: text => { decoded.push(text); return { text } } } })
  const sesid = await visits.stored({ n: 1 })
  const visit = await visits.begin(sesid)
  store.overwrite(sesid, new MemoryStore('sid', undefined, true).cipher.seal(sesid, '{"n":1}'))
  await visit.checkAgain()
  t.strictSame(visit.session.data(), {})
  t.equal((await visits.begin(sesid)).session.isNew, true)
  t.notOk(decoded.some(text => text.startsWith('$ffs')))
  const forger = new Visits(new MemoryStore(), { codec: { encode: data => `$ffs1$-$${JSON.stringify(data)}`, decode: json.decode } })
  await t.rejects(forger.stored({ n: 1 }), { code: 'SESSION_CODEC' }, 'and a codec makes none')
})

t.test('a request that does not look costs no decryption, one that changes nothing no encryption', async t => {
  const store = new PromptStore()
  const encrypted = new MemoryStore('sid', undefined, true)
  const sesid = await new Visits(encrypted).stored({ n: 1 })
  let opened = 0
  let sealed = 0
  const { cipher } = encrypted
  Object.defineProperty(store, 'cipher', {
    value: {
      isOn: true,
      isWeak: () => false,
      refusal: (text: string) => cipher.refusal(text),
      open: (sesid: string, text: string) => { opened++; return cipher.open(sesid, text) },
      sealRecord: (...given: Parameters<typeof cipher.sealRecord>) => { sealed++; return cipher.sealRecord(...given) },
      forget: () => {}
    }
  })
  store.overwrite(sesid, encrypted.recordOf(sesid)?.text ?? '')
  const visits = new Visits(store)
  await visits.finish(await visits.begin(sesid))
  t.strictSame([opened, sealed], [0, 0])
  t.strictSame(await look(visits, sesid), { n: 1 })
  t.strictSame([opened, sealed], [1, 0])
  await change(visits, sesid, { n: 2 })
  t.strictSame([opened, sealed], [2, 1])
  store.replaceNow = () => undefined
  await change(visits, sesid, { n: 3 })
  t.strictSame([opened, sealed], [3, 2], 'one encryption for a save that could not be done at once')
  t.equal(store.recordOf(sesid)?.text.startsWith('$ffs1$-$'), true)
})

t.test('a store with the five methods keeps encrypted texts by the plugin\'s option', async t => {
  const store = new MapStore()
  const visits = new Visits(store, { encryption: { secrets: [NEW] } })
  const sesid = await visits.stored({ n: 1 })
  t.match(store.texts.get(sesid), /^\$ffs1\$/)
  await change(visits, sesid, { n: 2 })
  t.strictSame(await look(visits, sesid), { n: 2 })
  t.equal(await look(new Visits(store), sesid), null)
  t.equal(store.texts.size, 1, 'it is still there')
  const [first = ''] = store.texts.values()
  const planted = await store.newSession()
  store.texts.set(planted, first)
  t.equal(await look(visits, planted), null)
  t.equal(store.texts.has(planted), false, 'such a store cannot set it aside')
  for (const weak of ['short', '1234567890'.repeat(3)]) {
    store.newSession = async () => { store.texts.set(weak, ''); return weak }
    await t.rejects(visits.stored({ n: 1 }), { code: 'SESSION_ID', message: /fewer random bits than the 128 .* 22 or more/ })
    t.equal(store.texts.has(weak), false)
  }
})

t.test('a session that is destroyed, or regenerated, takes its key along', async t => {
  const store = new MemoryStore('sid', undefined, { secrets: [NEW] })
  const forgotten: string[] = []
  t.intercept(store.cipher, 'forget', { value: (sesid: string) => { forgotten.push(sesid) } })
  const visits = new Visits(store)
  for (const end of ['destroy', 'delete', 'regenerate'] as const) {
    const sesid = await visits.stored({ n: 1 })
    const visit = await visits.begin(sesid)
    await visit.session[end]()
    await visits.finish(visit)
    t.ok(forgotten.includes(sesid), end)
  }
})

t.test('ids that are too short for keys stop the start', async (t: Test) => {
  const sessionDir = sessionDirectory(t)
  const random = (size: number): (() => string) => () => Array.from({ length: size }, () => Math.floor(Math.random() * 16).toString(16)).join('')
  t.throws(() => new SessionFileStore({ sessionDir, idGenerator: random(31), encryption: true }),
    { code: 'SESSION_ID', message: /idGenerator makes ids of about 124 random bits/ })
  t.ok(new SessionFileStore({ sessionDir, idGenerator: random(31) }))
  t.ok(new SessionFileStore({ sessionDir, idGenerator: random(32), encryption: true }))
})

t.test('maxSize counts the plain text, and sessions that are that long can be read', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir, encryption: true, maxSize: 1000 })
  await store.open()
  const sesid = await store.newSession()
  await store.putSession(sesid, 'x'.repeat(1000))
  for (let round = 0; round < 100; round++) await store.putSession(sesid, `${round}`.padEnd(1000))
  t.equal(await new SessionFileStore({ sessionDir, encryption: true, maxSize: 1000 }).getSession(sesid), '99'.padEnd(1000))
  await t.rejects(store.putSession(sesid, 'x'.repeat(1001)), { code: 'SESSION_TOO_BIG', message: /maxSize \(1000 bytes\)/ })
  await t.rejects(new Visits(store).stored({ x: 'x'.repeat(1000) }), { code: 'SESSION_TOO_BIG' })
})

t.test('a file takes four times the bytes before it is rewritten, and every process that may meet it reads it', async t => {
  const sessionDir = sessionDirectory(t)
  const settings = { sessionDir, maxSize: 100 }
  const store = new SessionFileStore({ ...settings, encryption: true })
  await store.open()
  const sesid = await store.newSession()
  const path = pathOf(sessionDir, sesid)
  for (let round = 0; round < 600 && statSync(path).size < 63 * 1024; round++) await store.putSession(sesid, String(round).padEnd(100))
  t.ok(statSync(path).size >= 63 * 1024)
  t.match(await new SessionFileStore({ ...settings, encryption: true }).getSession(sesid), /^\d+ +$/)
  t.equal(await new SessionFileStore(settings).getSession(sesid), null)
  t.equal((await fileSessions(['verify', sessionDir])).out, '1 sessions: 0 torn, 0 unreadable; 0 foreign\n')
  for (let round = 0; round < 600; round++) {
    await store.putSession(sesid, String(round).padEnd(100))
    // The header of the last record comes on top.
    if (statSync(path).size > 64 * 1024 + HEADER_SIZE) t.fail(`${statSync(path).size} bytes`)
  }
})

t.test('the texts of all sessions cannot be handed out', async t => {
  const sessionDir = sessionDirectory(t)
  const visits = await processOf(sessionDir, true)
  const store = visits.store as SessionFileStore
  await visits.stored({ n: 1 })
  await t.rejects(async () => { for await (const text of store.texts()) t.fail(text) }, { code: 'SESSION_UNOPENED', message: /ids/ })
  let count = 0
  for await (const { size } of store.sessions()) count += Number(size > 0)
  t.equal(count, 1)
})

t.test('five methods of a store alone', async t => {
  const store = new MemoryStore('sid', undefined, { secrets: [NEW] })
  const sesid = await store.newSession()
  t.match(store.recordOf(sesid)?.text, /^\$ffs1\$/, 'also of a session without data')
  t.equal(await store.getSession(sesid), '')
  await store.putSession(sesid, 'text')
  t.equal(await store.getSession(sesid), 'text')
  await t.rejects(store.putSession(sesid, '$ffs1$-$x'), { code: 'SESSION_CODEC' })
  store.overwrite(sesid, `${store.recordOf(sesid)?.text}AAAA`)
  t.equal(await store.getSession(sesid), null)
  t.equal(store.asides.length, 1)
  const trouble = new Error('no')
  const other = await store.newSession()
  store.cipher.open = () => { throw trouble }
  await t.rejects(store.getSession(other), trouble)
})
