import { spawnSync } from 'node:child_process'
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { checkShell, checkSnippets, COUNTER, Document, printed, run, serve } from './document'

const page = new Document('docs/operations.md')

checkSnippets(page, {
  async dockerfile (t, { text }, cwd) {
    const instructions = text.trim().split('\n').map(line => /^([A-Z]+) (.+)$/.exec(line) ?? [])
    for (const [line, name, rest = ''] of instructions) {
      t.ok(['FROM', 'WORKDIR', 'COPY', 'RUN', 'USER', 'CMD'].includes(name ?? ''), line)
      if (name === 'RUN') await checkShell(rest)
      if (name === 'CMD') t.same(JSON.parse(rest), ['node', 'app.mjs'])
    }
    // The line that makes the directory, for this user and in another place.
    const [line = ''] = /install -d .*/.exec(text) ?? []
    await run('bash', ['-c', line.replace('-o node -g node ', '').replace('/var/lib/sessions', 'sessions')], { cwd })
    await new SessionFileStore({ sessionDir: join(cwd, 'sessions') }).open()
    t.equal((await stat(join(cwd, 'sessions'))).mode & 0o777, 0o700)
  },

  async 'docker-run' (t, { text }) {
    await checkShell(text)
    const [, volume = 'none'] = /--volume \S+:(\S+)/.exec(text) ?? []
    t.match(page.snippets.get('dockerfile')?.text, `node ${volume}\n`, 'the volume is on the private directory')
    t.match(page.text, `sessionDir: '${volume}'`)
  },

  async dockerignore (t, { text }, cwd) {
    await run('bash', ['-c', text], { cwd })
    t.same((await readFile(join(cwd, '.dockerignore'), 'utf8')).trim().split('\n'), ['node_modules', 'sessions', '.git'])
  },

  async systemd (t, { text }, cwd) {
    t.match(text, /^StateDirectoryMode=0700$/m)
    if (spawnSync('systemd-analyze', ['--version']).error !== undefined) {
      t.pass('the unit', { skip: 'systemd-analyze is not installed' })
      return
    }
    const unit = join(cwd, 'shop.service')
    await writeFile(unit, text.replace('/usr/bin/node', process.execPath))
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' })
    t.equal(status, 0, stderr)
    t.notMatch(`${stdout}${stderr}`, 'shop.service', 'nothing to complain about')
  },

  async find (t, { text }, cwd) {
    const store = new SessionFileStore({ sessionDir: join(cwd, 'sessions'), idleTimeout: 100_000 })
    await store.open()
    const old = await store.newSession()
    const [file] = (await readdir(join(cwd, 'sessions'), { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
    const young = await store.newSession()
    const longAgo = Date.now() / 1000 - 121 * 60
    await utimes(join(file?.parentPath ?? '', file?.name ?? ''), longAgo, longAgo)
    await run('bash', ['-c', text], { cwd })
    t.equal(await store.getSession(old), null)
    t.equal(await store.getSession(young), '')
  },

  async health (t, { text }, cwd) {
    const client = await serve(t, cwd, text)
    t.same((await client.get('/status')).json, { status: 'ok' })
    const app = await serve(t, cwd, text.replace('1_000_000', 'Number.MAX_SAFE_INTEGER'))
    t.equal((await app.get('/status')).status, 503)
  },

  async 'security-log' (t, { text }, cwd) {
    const printedLines = await printed(`${text}
      import Fastify from 'fastify'
      import fileSessions from 'fastify-file-sessions'
      const app = Fastify()
      app.register(fileSessions)
      app.get('/', async ({ session }) => {
        session.user = 'ada'
        await session.save()
        await session.authenticated()
        await session.destroy()
      })
      await app.inject('/')
      await app.close()`, cwd)
    const events = printedLines.trim().split('\n').map(line => JSON.parse(line) as Record<string, string>)
    t.match(events, [{ event: 'session_created' }, { event: 'session_renewed', cause: 'authenticated' }, { event: 'session_ended', reason: 'destroyed' }])
    t.equal(events[1]?.['from'], events[0]?.['session'])
    t.equal(events[2]?.['session'], events[1]?.['session'])
    t.notMatch(printedLines, 'ada')
  },

  async watch (t, { text }, cwd) {
    t.match(await printed(`${text}
      import Fastify from 'fastify'
      import fileSessions from 'fastify-file-sessions'
      const app = Fastify()
      app.register(fileSessions)
      ${COUNTER}
      await app.inject('/')
      await app.close()`, cwd), /^create, 0 conflicts, \d+\.\d ms\n$/)
  }
})
