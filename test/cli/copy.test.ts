import t from 'tap'
import { truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { SessionFileStore } from '../../index'
import { copy } from '../../lib/cli/copy'
import { DirectoryPlace } from '../../lib/cli/directory-place'
import type { AppidPlace, Place } from '../../lib/cli/place'
import { sessionPath } from '../../lib/store/files/file-names'
import { departure, reservation } from '../../lib/store/moving-marks'
import type { PortableSession } from '../../lib/store/store-abilities'
import { age } from '../support/aged-sessions'
import { fileSessions, twoApps } from '../support/command'
import { Browser, indexedApp } from '../support/indexed-app'
import { newSession } from '../support/new-session'
import { sessionDirectory, sessionFiles } from '../support/session-files'

t.test('copy takes live sessions to another directory, with their times', async t => {
  const { sessionDir, shop, sesid, path, shopFiles } = await twoApps(t)
  age(path, 3600)
  age(shopFiles.find(each => each !== path) as string, 3 * 3600)
  const other = join(dirname(sessionDir), 'other')
  t.match(await fileSessions(['copy', sessionDir, other, '--dry-run']), { exitCode: 0, out: /shop: would have copied up to 2; 1 expired, 0 failed\n$/ })
  t.strictSame(sessionFiles(other), [])
  t.match(await fileSessions(['copy', sessionDir, other]),
    { exitCode: 0, err: '', out: '__Host-admin: 1 copied, 0 present, 0 expired, 0 failed\nshop: 2 copied, 0 present, 1 expired, 0 failed\n' })
  const copied = new SessionFileStore({ sessionDir: other, appid: 'shop' })
  const [before, after] = await Promise.all([shop, copied].map(store => store.read(store.nameOf(sesid))))
  t.equal(after?.text, '{"user":"anna"}')
  t.equal(after?.createdAt, before?.createdAt)
  t.ok(Math.abs((after?.idleLeft ?? 0) - (before?.idleLeft ?? 0)) < 60_000)
  await copied.putSession(sesid, 'changed over there')
  t.match(await fileSessions(['copy', sessionDir, other, '--appid', 'shop', '--json']), { exitCode: 0, out: /"copied": 0,\s+"present": 2,/ })
  t.equal(await copied.getSession(sesid), 'changed over there', 'what is there is left as it is')
  t.match(await fileSessions(['copy', sessionDir, other, '--appid', 'nobody']), { exitCode: 1 })
})

t.test('copy --move empties the old directory, and completes unfinished moves', async t => {
  const { sessionDir, shop, sesid } = await twoApps(t)
  const other = join(dirname(sessionDir), 'other')
  const moved = new SessionFileStore({ sessionDir: other, appid: 'shop' })
  const [left, ended] = [await newSession(shop, 'left'), await newSession(shop, 'ended')]
  for (const { name, version } of [left, ended]) await shop.replace(name, { text: departure('1'.repeat(32), 'left') }, version)
  await moved.create(left.name, { text: reservation('1'.repeat(32)) })
  await moved.create(shop.nameOf(sesid), { text: 'there already' })
  const expired = await newSession(shop, 'expired')
  age(sessionPath(join(sessionDir, 'shop'), expired.name), 3 * 3600)
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', left.sesid]), { exitCode: 0, out: 'left\n', err: /on its way between two stores/ })
  t.match(await fileSessions(['show', other, '--appid', 'shop', left.sesid]), { exitCode: 0, out: '', err: /on its way between two stores/ })
  t.match(await fileSessions(['copy', sessionDir, other, '--move', '--appid', 'shop']), { exitCode: 0, out: 'shop: 3 moved, 1 present, 2 expired, 0 failed\n' })
  t.equal(await moved.getSession(left.sesid), 'left')
  t.equal(await moved.getSession(ended.sesid), null)
  t.equal(await moved.getSession(sesid), 'there already')
  t.match(await fileSessions(['list', sessionDir, '--appid', 'shop']), { out: /shop +3 .*\nshop: 2 plain, 1 moving/ }, 'what has a namesake over there stays, and so does what has expired')
  t.equal(await moved.getSession(expired.sesid), null)
})

t.test('copy --move removes the marks that a command left which was killed at the end of a move', async t => {
  const { sessionDir, shop } = await twoApps(t)
  const other = join(dirname(sessionDir), 'other')
  const moved = new SessionFileStore({ sessionDir: other, appid: 'shop' })
  const [left, racing] = [await newSession(shop), await newSession(shop)]
  for (const { name, version } of [left, racing]) {
    await shop.replace(name, { text: departure('1'.repeat(32), 'left') }, version)
    await moved.create(name, { text: 'changed over there' })
  }
  const place = new DirectoryPlace(sessionDir, { maxSize: 1000 })
  const [appid] = await place.appids('shop') as AppidPlace[] as [AppidPlace]
  async function * sessions (): AsyncGenerator<PortableSession> {
    for (const { name } of [left, racing]) {
      const session = await appid.find(name) as PortableSession
      // Another command removes the mark at this moment.
      if (name === racing.name) await shop.remove(name)
      yield session
    }
  }
  const raced = {
    appids: async () => [{ appid: 'shop', title: '', sessions }],
    store: (...given: Parameters<Place['store']>) => place.store(...given)
  } as unknown as Place
  const terminal = { in: new PassThrough(), out: new PassThrough(), err: new PassThrough() }
  t.equal(await copy(raced, new DirectoryPlace(other, { maxSize: 1000 }), { idle: 7200, move: true }, terminal), 0)
  t.equal(String(terminal.out.read()), 'shop: 0 moved, 2 present, 0 expired, 0 failed\n')
  for (const { name, sesid } of [left, racing]) {
    t.equal(await shop.read(name), null)
    t.equal(await moved.getSession(sesid), 'changed over there')
  }
})

t.test('copy puts sessions in the place of reservations that a crashed process left', async t => {
  const { sessionDir, shop, sesid } = await twoApps(t)
  const other = join(dirname(sessionDir), 'other')
  const copied = new SessionFileStore({ sessionDir: other, appid: 'shop' })
  await copied.create(shop.nameOf(sesid), { text: reservation('1'.repeat(32)) })
  const { text } = await shop.read(shop.nameOf(sesid)) as { text: string }
  t.match(await fileSessions(['copy', sessionDir, other, '--appid', 'shop']), { exitCode: 0, out: 'shop: 3 copied, 0 present, 0 expired, 0 failed\n' })
  t.equal(await copied.getSession(sesid), text)
})

t.test('copy says what it could not read or write, and goes on', async t => {
  const { sessionDir, path } = await twoApps(t)
  const other = join(dirname(sessionDir), 'other')
  t.match(await fileSessions(['copy', sessionDir, other, '--max-size', '10', '--appid', 'shop']),
    { exitCode: 2, out: 'shop: 2 copied, 0 present, 0 expired, 1 failed\n', err: /1 failed, the first: the session's text is longer than maxSize/ })
  truncateSync(path, 4 * 1024 ** 3)
  t.match(await fileSessions(['copy', sessionDir, other, '--appid', 'shop'], { isTTY: true }),
    { exitCode: 2, out: 'shop: 0 copied, 2 present, 0 expired, 1 failed\n', err: /shop .*%[^]*1 could not be read/ })
})

for (const move of [false, true]) {
  t.test(`${move ? 'copy --move' : 'copy'} takes the places in indexes along, and what a device list shows`, async t => {
    const sessionDir = sessionDirectory(t)
    const other = join(dirname(sessionDir), 'other')
    // Values are hashed and `about` is encrypted under a secret that the command does not know.
    const encryption = { secrets: ['a secret of the app, 32 bytes long'] }
    const app = indexedApp({ sessionDir, encryption })
    t.teardown(() => app.close())
    const [phone, laptop, stranger] = [new Browser(app, 'a phone'), new Browser(app, 'a laptop'), new Browser(app)]
    const handles = [await phone.login('42'), await laptop.login('42')]
    await laptop.get('/set/sid/5')
    await stranger.get('/set/note/1')
    t.match(await fileSessions(['copy', sessionDir, other, ...move ? ['--move'] : []]), { exitCode: 0, out: /^sid: 3 (copied|moved), 0 present, 0 expired, 0 failed\n$/ })
    const copied = new SessionFileStore({ sessionDir: other, encryption })
    const found = []
    for await (const { handle, about } of copied.sessionsOf('user', '42')) found.push([handle, about?.agent])
    t.strictSame(new Set(found), new Set([[handles[0], 'a phone'], [handles[1], 'a laptop']]))
    for await (const { about } of copied.sessionsOf('sid', '5')) t.strictSame(about, { agent: 'a laptop' })
    t.match(await fileSessions(['copy', sessionDir, other]), { exitCode: 0, out: `sid: 0 copied, ${move ? 0 : 3} present, 0 expired, 0 failed\n` })
    t.equal(await copied.revokeAll('sid', '5'), 1)
    t.equal(await copied.revokeAll('user', '42'), 1)
  })
}
