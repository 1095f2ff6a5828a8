import t from 'tap'
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import promises from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { localDisk } from '../../lib/store/files/local-disk'
import { age } from '../support/aged-sessions'
import { sessionFiles } from '../support/session-files'
import { fileSessions, twoApps } from '../support/command'

const DAY = 24 * 3600

t.test('a directory that is not there is exit code 2, and is not made', async t => {
  const missing = join(t.testdir(), 'missing')
  for (const args of [['clean', missing], ['clean', missing, '--appid', 'shop'], ['list', missing], ['verify', missing],
    ['show', missing, '--appid', 'shop', 'id'], ['delete', missing, '--appid', 'shop', 'id'],
    ['doctor', missing], ['stats', missing], ['copy', missing, missing]]) {
    const { exitCode, err } = await fileSessions(args)
    t.equal(exitCode, 2)
    t.equal(err, `file-sessions: there is no directory ${missing}: name the one that is the app's sessionDir\n`)
  }
  t.notOk(existsSync(missing))
})

t.test('an appid without sessions is exit code 1, and no directory is made for it', async t => {
  const { sessionDir } = await twoApps(t)
  for (const name of ['clean', 'list', 'verify']) {
    t.match(await fileSessions([name, join(sessionDir, 'shop')]), { exitCode: 2, err: `shop is the directory of one appid: name the session directory, ${sessionDir}\n` })
  }
  for (const args of [['clean', sessionDir, '--appid', 'nobody'], ['verify', sessionDir, '--appid', 'nobody'],
    ['show', sessionDir, '--appid', 'nobody', 'id'], ['delete', sessionDir, '--appid', 'nobody', 'id']]) {
    const { exitCode, err } = await fileSessions(args)
    t.equal(exitCode, 1)
    t.equal(err, `file-sessions: ${sessionDir} holds no sessions of appid nobody\n`)
  }
  t.strictSame(readdirSync(sessionDir).sort(), ['__%48ost-admin', 'shop'])
  const { exitCode, err } = await fileSessions(['clean', join(sessionDir, 'shop', 'x'.repeat(300)), '--appid', 'shop'])
  t.equal(exitCode, 2)
  t.match(err, /ENAMETOOLONG/)
})

t.test('a file in place of a directory is exit code 2', async t => {
  const directory = t.testdir({ file: '', sessions: { shop: '' } })
  chmodSync(join(directory, 'sessions'), 0o700)
  const file = join(directory, 'file')
  for (const args of [['list', file], ['clean', file, '--appid', 'shop'], ['show', file, '--appid', 'shop', 'id'],
    ['clean', join(directory, 'sessions'), '--appid', 'shop'], ['verify', join(directory, 'sessions'), '--appid', 'shop']]) {
    const { exitCode, err } = await fileSessions(args)
    t.equal(exitCode, 2, args.join(' '))
    t.match(err, /is not a directory|ENOTDIR/)
  }
})

t.test('trouble with the directory of one app keeps no other from being looked after', async t => {
  const { sessionDir, shopFiles } = await twoApps(t)
  for (const path of shopFiles) age(path, DAY)
  const open = join(sessionDir, 'an-open-one')
  mkdirSync(open)
  chmodSync(open, 0o755)
  const err = `file-sessions: others may use the session directory ${open}: run chmod 700 ${open}, if it is for sessions alone\n`
  t.match(await fileSessions(['list', sessionDir]), { exitCode: 2, out: /shop +3/, err })
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 2, out: '4 sessions: 0 torn', err })
  t.match(await fileSessions(['clean', sessionDir]), { exitCode: 2, out: 'shop: removed 3 of 3 sessions', err })
})

t.test('a directory is named as the app names it', async t => {
  const { sessionDir } = await twoApps(t)
  const cwd = process.cwd()
  t.teardown(() => { process.chdir(cwd) })
  process.chdir(sessionDir)
  mkdirSync(join(dirname(sessionDir), 'elsewhere'))
  symlinkSync(join(sessionDir, 'shop'), join(dirname(sessionDir), 'elsewhere', 'link'))
  for (const name of ['.', './', `${sessionDir}/`, 'shop/..', '../elsewhere/../sessions']) {
    t.match(await fileSessions(['list', name]), { exitCode: 0, out: /shop +3/ }, name)
  }
  t.match(await fileSessions(['list', '../elsewhere/link/../../sessions']), { exitCode: 0, out: /shop +3/ }, 'by the path alone, not by where a link leads')
  t.match(await fileSessions(['verify', 'shop/']), { exitCode: 2, err: `${join(sessionDir, 'shop')} is the directory of one appid` })
})

t.test('a directory that others may use is not touched', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  for (const each of sessionFiles(sessionDir)) age(each, DAY)
  const commands = [['clean', sessionDir], ['clean', sessionDir, '--appid', 'shop'], ['list', sessionDir], ['verify', sessionDir, '--appid', 'shop'],
    ['show', sessionDir, '--appid', 'shop', sesid], ['delete', sessionDir, '--appid', 'shop', sesid]]
  for (const place of [dirname(path), dirname(dirname(path)), sessionDir]) {
    for (const mode of [0o777, 0o750]) {
      chmodSync(place, mode)
      for (const args of commands) {
        const { exitCode, out, err } = await fileSessions(args)
        // A shard alone is a fault among others.
        t.match({ exitCode, err: out + err }, { exitCode: 2, err: args[0] === 'verify' && place === dirname(path) ? /^unreadable/ : /chmod 700/ }, `${args[0]} ${place} ${mode.toString(8)}`)
      }
    }
    chmodSync(place, 0o700)
    t.ok(existsSync(path))
    for (const each of sessionFiles(sessionDir)) age(each, 0)
  }
})

t.test('a directory that is no session directory is exit code 2, and nobody is told to close it to others', async t => {
  const { sessionDir, path } = await twoApps(t)
  const project = dirname(sessionDir)
  const elsewhere = join(project, 'lib')
  for (const name of ['lib', 'docs']) mkdirSync(join(project, name))
  for (const name of ['package.json', 'lib/index.js']) writeFileSync(join(project, name), '')
  for (const [directory, message] of [
    [project, `${project} is not a session directory: name the one that is the app's sessionDir, perhaps ${join(project, 'sessions')}`],
    [elsewhere, `${elsewhere} is not a session directory: name the one that is the app's sessionDir`],
    ['/etc', '/etc is not a session directory: name the one that is the app\'s sessionDir'],
    [join(sessionDir, 'shop'), `${join(sessionDir, 'shop')} is the directory of one appid: name the session directory, ${sessionDir}`],
    [dirname(path), `${dirname(path)} is inside of the directory of one appid: name the session directory, ${sessionDir}`]
  ] as const) {
    for (const name of ['list', 'clean', 'verify', 'stats', 'doctor']) {
      t.strictSame(await fileSessions([name, directory]), { exitCode: 2, out: '', err: `file-sessions: ${message}\n` }, `${name} ${directory}`)
    }
    t.match(await fileSessions(['clean', directory, '--appid', 'no-such']), { exitCode: 2, err: message })
  }
})

t.test('what the system says of a directory, in words', async t => {
  const { sessionDir } = await twoApps(t)
  const failing = (code: string) => async () => { throw Object.assign(new Error(code), { code, syscall: 'stat' }) }
  const { stat } = localDisk
  for (const [code, message] of [
    ['EACCES', /this user may not look into .*: run the command as the user that the app runs as, such as with sudo -u/],
    ['EIO', /cannot look in .*: EIO; the disk reports a fault/]
  ] as const) {
    t.intercept(localDisk, 'stat', { value: failing(code) })
    t.match(await fileSessions(['clean', sessionDir, '--appid', 'shop']), { exitCode: 2, err: message })
  }
  t.intercept(localDisk, 'stat', { value: stat })
  const { readdir } = promises
  t.intercept(promises, 'readdir', { value: async (path: string, ...more: []) => await (path.endsWith('shop') ? failing('EACCES')() : readdir(path, ...more)) })
  t.match(await fileSessions(['list', sessionDir]), { exitCode: 0 }, 'what an app\'s directory is, the listing itself finds out')
})

t.test('a link that leads nowhere is named as such', async t => {
  const link = join(t.testdir(), 'link')
  symlinkSync(join(dirname(link), 'gone'), link)
  for (const args of [['list', link], ['show', link, '--appid', 'shop', 'id']]) {
    t.match(await fileSessions(args), { exitCode: 2, err: `file-sessions: ${link} is a symbolic link that leads nowhere: ` })
  }
})
