import { execFile, spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { pluginOptions } from '../../lib/plugin/options'
import { Session } from '../../lib/session/session'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { Browser } from '../support/browser'
import { compile, installBuilt, root } from '../support/built-package'
import { startApp } from '../support/child-app'

// Programs are built and started here, one after the other, perhaps on a machine that is busy.
t.setTimeout(300_000)

const run = promisify(execFile)

interface Snippet { language: string, text: string }

let readme = ''
/** Fenced code by the name in the comment before it. */
const snippets = new Map<string, Snippet>()
/** A directory that has the package; each snippet runs in one of its own in there. */
let directory: string

t.before(async () => {
  readme = await readFile(join(root, 'README.md'), 'utf8')
  directory = t.testdir()
  await installBuilt(directory)
})

/** Every snippet has its check here: one without, and one that is gone, fails. */
const checks: Record<string, (t: Test, snippet: Snippet, cwd: string) => Promise<void>> = {
  async install (t, { text }) {
    await checkShell(text)
    const { name, peerDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    t.same(text.trim().split(' '), ['npm', 'install', ...Object.keys(peerDependencies), name])
  },

  'quick-start-esm': (t, { text }, cwd) => counts(t, 'app.mjs', text, cwd),
  'quick-start-cjs': (t, { text }, cwd) => counts(t, 'app.cjs', text, cwd),

  async 'quick-start-ts' (t, { text }, cwd) {
    const mistake = "// @ts-expect-error -- the declaration says that it is a number\n  request.session.visits = 'none'"
    await writeFile(join(cwd, 'app.ts'), text)
    await writeFile(join(cwd, 'mistake.ts'), text.replace('request.session', `${mistake}\n  request.session`))
    await writeFile(join(cwd, 'esm.mts'), text)
    await compile(['--strict', '--skipLibCheck', '--module', 'node16', '--target', 'es2022', '--types', 'node',
      ...['app.ts', 'mistake.ts', 'esm.mts'].map(name => join(cwd, name))])
    await counts(t, 'app.js', await readFile(join(cwd, 'app.js'), 'utf8'), cwd)
  },

  async start (t, { text }) { await checkScripts(t, text) },
  async test (t, { text }) { await checkScripts(t, text) },

  async exempt (t, { text }, cwd) {
    const browser = await serve(t, cwd, text)
    browser.cookies.set('sid', 'unknown')
    const response = await browser.get('/health')
    t.equal(await response.text(), 'well')
    t.notOk(response.headers.has('set-cookie'), 'the cookie is not even looked at')
  },

  async 'error-handler' (t, { text }, cwd) {
    const browser = await serve(t, cwd, `${text}
      app.post('/login', async ({ session }) => { session.user = { name: 'Ada' } })
      app.get('/fails', async () => { throw new Error('late') })
      app.post('/early', { schema: { body: { type: 'object', required: ['x'] } } }, async () => 'never')`)
    await browser.post('/login')
    t.same(await (await browser.get('/fails')).json(), { sorry: 'Ada', error: 'late' })
    t.match(await (await browser.post('/early')).json(), { sorry: 'stranger', error: /required property 'x'/ })
  },

  async update (t, { text }, cwd) {
    const browser = await serve(t, cwd, `${text}\napp.get('/start', async r => { r.session.credit = 30 })`)
    await browser.get('/start')
    const left = await Promise.all(Array.from({ length: 30 }, async () => {
      const { left } = await (await browser.post('/buy')).json() as { left: number }
      return left
    }))
    t.same(left.sort((a, b) => a - b), Array.from({ length: 30 }, (_, index) => index), 'each credit is spent once')
  },

  async store (t, { text }, cwd) {
    await writeFile(join(cwd, 'store.mjs'), text)
    t.equal((await run(process.execPath, ['store.mjs'], { cwd })).stdout, 'any text\n')
    t.same((await readdir(join(cwd, 'sessions'), { recursive: true, withFileTypes: true })).filter(entry => entry.isFile()), [])
  },

  async 'own-store' (t, { text }, cwd) {
    const browser = await serve(t, cwd, `${text}\n${COUNTER}\napp.get('/size', async () => sessions.size)`, { registered: false })
    await checkCounter(t, browser, 1)
    await checkCounter(t, browser, 2)
    t.ok(browser.cookies.has('memory'))
    t.equal(await (await browser.get('/size')).text(), '1')
    t.notOk((await readdir(cwd)).includes('sessions'))
  },

  async login (t, { text }, cwd) {
    const browser = await serve(t, cwd, text)
    t.equal((await browser.get('/account')).status, 401)
    t.equal((await browser.post('/login', { name: 'eve' })).status, 401)
    t.same(await (await browser.post('/login', { name: 'ada' })).json(), { hello: 'ada' })
    const id = browser.cookies.get('sid')
    t.same(await (await browser.get('/account')).json(), { id: 7, name: 'ada' })
    await browser.post('/login', { name: 'ada' })
    t.not(browser.cookies.get('sid'), id, 'a new id at each login')
    await browser.post('/logout')
    t.equal((await browser.get('/account')).status, 401)
  },

  async 'remember-me' (t, { text }, cwd) {
    const browser = await serve(t, cwd, text)
    const cookie = async (fields: Record<string, string>): Promise<string | null> =>
      (await browser.post('/remember', { name: 'ada', ...fields })).headers.get('set-cookie')
    t.notMatch(await cookie({}), /Max-Age/)
    browser.cookies.clear()
    t.match(await cookie({ remember: 'on' }), /Max-Age=2592000/)
  },

  async watch (t, { text }, cwd) {
    await writeFile(join(cwd, 'app.mjs'), `${text}
      import Fastify from 'fastify'
      import fileSessions from 'fastify-file-sessions'
      const app = Fastify()
      app.register(fileSessions)
      ${COUNTER}
      await app.inject('/')
      await app.close()`)
    t.match((await run(process.execPath, ['app.mjs'], { cwd })).stdout, /^create, 0 conflicts, \d+\.\d ms\n$/)
    const shown = table('Watching it').map(([name = '']) => name.replaceAll('`', ''))
    const source = await readFile(join(root, 'lib/diagnostics.ts'), 'utf8')
    const channels = [...source.matchAll(/channelOf\('(\w+)'\)/g)].map(([, name]) => `fastify-file-sessions:${name}`)
    t.same(shown, channels, 'the table has them all')
  },

  async health (t, { text }, cwd) {
    const browser = await serve(t, cwd, text)
    t.same(await (await browser.get('/status')).json(), { status: 'ok' })
    const app = await serve(t, cwd, text.replace('1_000_000', 'Number.MAX_SAFE_INTEGER'))
    t.equal((await app.get('/status')).status, 503)
  },

  async flash (t, { text }, cwd) {
    const browser = await serve(t, cwd, text)
    t.equal((await browser.post('/save')).headers.get('location'), '/page')
    t.same(await (await browser.get('/page')).json(), { message: 'Saved.' })
    t.same(await (await browser.get('/page')).json(), {})
  },

  async proxy (t, { text }, cwd) {
    const source = `${text}\n${COUNTER}\nconsole.log(await app.listen({ port: 0, host: '127.0.0.1' }))`
    await writeFile(join(cwd, 'app.mjs'), source)
    const app = await startApp(['app.mjs'], cwd)
    t.teardown(() => app.end('SIGKILL'))
    const response = await new Browser(app.address).get('/', { 'x-forwarded-proto': 'https' })
    t.match(response.headers.get('set-cookie'), /^__Host-sid=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  },

  async 'two-apps' (t, { text }, cwd) {
    const browser = await serve(t, cwd, text, { registered: false })
    t.same(await (await browser.get('/both')).json(), { stores: ['shop', 'admin'] })
    t.same([...browser.cookies.keys()], ['shop', 'admin'])
    t.same((await readdir(join(cwd, 'sessions'))).sort(), ['admin', 'shop'])
  },

  async cluster (t, { text }, cwd) {
    await writeFile(join(cwd, 'app.mjs'), text)
    const app = await startApp(['app.mjs'], cwd)
    t.teardown(() => app.end('SIGTERM'))
    const browser = new Browser(app.address)
    await browser.get('/')
    const visits = await Promise.all(Array.from({ length: 20 }, async () => {
      const { visits } = await (await browser.get('/')).json() as { visits: number }
      return visits
    }))
    t.same(visits.sort((a, b) => a - b), Array.from({ length: 20 }, (_, index) => index + 2))
  },

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
    t.match(snippets.get('dockerfile')?.text, `node ${volume}\n`, 'the volume is on the private directory')
    t.match(readme, `sessionDir: '${volume}'`)
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
  }
}

t.test('every snippet does what it says', async t => {
  for (const [, name, language = '', text = ''] of readme.matchAll(/(?:<!-- snippet: (\S+) -->\n)?```(\w*)\n(.*?)```/gs)) {
    t.type(name, 'string', `has a name: ${text.split('\n')[0]}`)
    t.notOk(snippets.has(name ?? ''), 'a name of its own')
    snippets.set(name ?? '', { language, text })
  }
  t.same([...snippets.keys()].sort(), Object.keys(checks).sort(), 'a check for each, and nothing else')
  for (const [name, snippet] of snippets) {
    await t.test(name, async t => {
      const cwd = join(directory, name)
      await mkdir(cwd)
      await checks[name]?.(t, snippet, cwd)
    })
  }
})

t.test('the table of options is complete and right', async t => {
  const rows = table('Options')
  const names = rows.map(([name = '']) => name.replaceAll('`', ''))
  try {
    pluginOptions({ nonsense: 1 } as object)
    t.fail('unknown options are refused')
  } catch (error) {
    const [, known = ''] = /the options are (.*)$/.exec((error as Error).message) ?? []
    const registering = ['prefix', 'logLevel', 'logSerializers']
    t.same(names.sort(), known.split(', ').filter(name => !registering.includes(name)).sort())
  }
  const settled = pluginOptions({})
  const defaults: Record<string, unknown> = { ...settled, ...settled.fileStore }
  for (const [name = '', shown = ''] of rows) {
    const [, literal] = /^`([^`]*)`$/.exec(shown) ?? []
    if (literal === undefined) continue
    // eslint-disable-next-line no-new-func -- a literal of our own README
    t.same(new Function(`return ${literal}`)(), defaults[name.replaceAll('`', '')], name)
  }
  t.equal(settled.fileStore?.idleTimeout, 7200)
  t.equal(settled.fileStore?.absoluteTimeout, undefined)
  t.equal(settled.fileStore?.idGenerator().length, 192 / 6)
})

t.test('the table of members is complete', async t => {
  const shown = table('`request.session`').flatMap(([names = '']) => [...names.matchAll(/`(\w+)/g)].map(([, name]) => name))
  const members = Object.getOwnPropertyNames(Session.prototype).filter(name => name !== '__proto__')
  t.same(shown.sort(), members.sort())
})

t.test('the table of store methods is complete', async t => {
  const shown = table('`fastify.sessionStore`').flatMap(([names = '']) => [...names.matchAll(/`(\w+)/g)].map(([, name]) => name))
  const methods = Object.getOwnPropertyNames(SessionFileStore.prototype).filter(name => name !== 'constructor')
  t.same(shown.sort(), methods.sort())
})

t.test('the table of commands is right', async t => {
  const help = await printed(['--help'])
  const rows = table('The `file-sessions` command')
  t.same(rows.map(([usage = '']) => /^`(\w+)/.exec(usage)?.[1]), [...help.matchAll(/^ {2}(\w+) (?:\[options\] )?</gm)].map(([, name]) => name))
  for (const [usage = ''] of rows) {
    const [name = '', ...parameters] = usage.replaceAll('`', '').split(' ')
    const options = await printed([name, '--help'])
    for (const [option] of parameters.join(' ').matchAll(/--[\w-]+/g)) t.match(options, ` ${option}`, `${name} ${option}`)
    for (const [parameter] of parameters.join(' ').matchAll(/<\w+>/g)) t.match(options.split('\n')[0], parameter)
  }
})

t.test('the table of errors is complete', async t => {
  const shown = table('Errors').map(([code = '']) => code.replaceAll('`', ''))
  const files = (await readdir(join(root, 'lib'), { recursive: true })).filter(name => name.endsWith('.ts'))
  const sources = await Promise.all(files.map(name => readFile(join(root, 'lib', name), 'utf8')))
  const codes = new Set(sources.join('\n').match(/(?<=')SESSION_[A-Z_]+(?=')/g))
  t.same(shown.sort(), [...codes].sort())
})

t.test('links lead somewhere', async t => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md',
    ...(await readdir(join(root, 'docs'))).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]
  for (const page of pages) {
    const text = await readFile(join(root, page), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target.startsWith('https://')) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(root, page) : join(root, page, '..', path)
      await t.resolves(stat(file), `${page}: ${target}`)
      if (anchor === undefined) continue
      const headings = [...(await readFile(file, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading.toLowerCase().replace(/[^\w\s-]/g, '').replaceAll(' ', '-'))
      t.ok(headings.includes(anchor), `${page}: ${target}`)
    }
  }
})

/** What the command prints. */
async function printed (args: string[]): Promise<string> {
  return (await run(process.execPath, [join(directory, 'node_modules/fastify-file-sessions/dist/lib/cli/main.js'), ...args])).stdout
}

/** The cells of the first table under a heading, its own head left out. */
function table (heading: string): string[][] {
  const section = readme.split(/^##+ /m).find(text => text.startsWith(`${heading}\n`)) ?? ''
  const rows = (/(?:^\|.*\n)+/m.exec(section)?.[0] ?? '').trimEnd().split('\n').slice(2)
  return rows.map(row => row.split('|').slice(1, -1).map(cell => cell.trim()))
}

const COUNTER = `app.get('/', async request => {
  request.session.visits = (request.session.visits ?? 0) + 1
  return \`visit \${request.session.visits}\\n\`
})`

async function checkCounter (t: Test, browser: Browser, visit: number): Promise<void> {
  t.equal(await (await browser.get('/')).text(), `visit ${visit}\n`)
}

/** Runs a whole program: it counts, and still knows the visitor after a restart. */
async function counts (t: Test, name: string, text: string, cwd: string): Promise<void> {
  await writeFile(join(cwd, name), text)
  const first = await startApp([name], cwd)
  const browser = new Browser(first.address)
  await checkCounter(t, browser, 1)
  await checkCounter(t, browser, 2)
  t.equal(browser.cookies.size, 1)
  await first.end('SIGKILL')
  const second = await startApp([name], cwd)
  browser.address = second.address
  await checkCounter(t, browser, 3)
  await second.end('SIGKILL')
}

/** Puts a piece of an app into one that has sessions, and starts it. */
async function serve (t: Test, cwd: string, text: string, { registered = true } = {}): Promise<Browser> {
  await writeFile(join(cwd, 'app.mjs'), `import Fastify from 'fastify'
    import fileSessions from 'fastify-file-sessions'
    const findUser = async ({ name }) => name === 'ada' ? { id: 7, name, key: 'secret' } : null
    const app = Fastify()
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' },
      (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(body))))
    ${registered ? 'app.register(fileSessions)' : ''}
    ${text}
    console.log(await app.listen({ port: 0, host: '127.0.0.1' }))`)
  const app = await startApp(['app.mjs'], cwd)
  t.teardown(() => app.end('SIGKILL'))
  return new Browser(app.address)
}

async function checkShell (text: string): Promise<void> {
  await run('bash', ['-n', '-c', text])
}

/** `npm ci && npm x`: what npm would run is there. Running it here would be this very test again. */
async function checkScripts (t: Test, text: string): Promise<void> {
  await checkShell(text)
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  for (const command of text.trim().split(' && ')) {
    const [npm, script = ''] = command.split(' ')
    t.equal(npm, 'npm')
    if (script === 'ci') await t.resolves(stat(join(root, 'package-lock.json')))
    else t.type(scripts[script], 'string', `${script} is a script`)
  }
}
