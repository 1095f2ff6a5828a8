import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { installBuilt, root, unmeasured } from '../support/built-package'
import { startApp } from '../support/child-app'
import { Client } from '../support/client'

export const run = promisify(execFile)

export interface Snippet { language: string, text: string }
/** Does what the snippet says in the directory `cwd`, where an app finds the package by its name. */
export type Check = (t: Test, snippet: Snippet, cwd: string) => Promise<void>

/**
 * A page of ours, and its fenced code by the name in the comment before it. `, fragment` after the name
 * says that the code is a part of an app: see `typescript.long.ts`.
 */
export class Document {
  readonly text: string
  readonly snippets = new Map<string, Snippet>()

  constructor (path: string) {
    this.text = readFileSync(join(root, path), 'utf8')
    for (const [, name = '', language = '', text = ''] of this.text.matchAll(/(?:<!-- snippet: (\S+?)(?:, fragment)? -->\n)?```(\w*)\n(.*?)```/gs)) {
      if (name === '') throw new Error(`${path}: a snippet has no name: ${text.split('\n')[0]}`)
      if (this.snippets.has(name)) throw new Error(`${path}: two snippets are named ${name}`)
      this.snippets.set(name, { language, text })
    }
  }

  /** The cells of the first table under a heading, its own head left out. */
  table (heading: string): string[][] {
    const section = this.text.split(/^##+ /m).find(text => text.startsWith(`${heading}\n`)) ?? ''
    return rowsOf((/(?:^\|.*\n)+/m.exec(section)?.[0] ?? ''))
  }

  /** The names in code that the first column of a table begins with. */
  names (heading: string): string[] {
    return this.table(heading).flatMap(([cell = '']) => [...cell.matchAll(/`([\w:-]+)/g)].map(([, name = '']) => name))
  }
}

/** The cells of a table, its head left out. */
export function rowsOf (table: string): string[][] {
  return table.trimEnd().split('\n').slice(2).map(row => row.split('|').slice(1, -1).map(cell => cell.trim()))
}

/**
 * Runs every snippet of a page by the check of its name. A snippet without a check fails, and so does
 * a check without a snippet. Returns the directory that has the built package.
 */
export function checkSnippets (page: Document, checks: Record<string, Check>): string {
  const directory = t.testdir()
  t.before(async () => { await installBuilt(directory) })
  t.test('every snippet does what it says', async t => {
    t.same([...page.snippets.keys()].sort(), Object.keys(checks).sort(), 'a check for each, and nothing else')
    for (const [name, snippet] of page.snippets) {
      await t.test(name, async t => {
        const cwd = join(directory, name)
        await mkdir(cwd)
        await checks[name]?.(t, snippet, cwd)
      })
    }
  })
  return directory
}

/** A route that counts visits. */
export const COUNTER = `app.get('/', async request => {
  request.session.visits = (request.session.visits ?? 0) + 1
  return \`visit \${request.session.visits}\\n\`
})`

/** Runs a whole program: it counts, and still knows the visitor after a restart. */
export async function counts (t: Test, name: string, text: string, cwd: string): Promise<void> {
  await writeFile(join(cwd, name), text)
  const first = await startApp([name], cwd)
  const client = new Client(first.address)
  t.equal((await client.get('/')).text, 'visit 1\n')
  t.equal((await client.get('/')).text, 'visit 2\n')
  t.equal(client.jar.size, 1)
  await first.end('SIGKILL')
  const second = await startApp([name], cwd)
  client.url = second.address
  t.equal((await client.get('/')).text, 'visit 3\n')
  await second.end('SIGKILL')
}

/** Puts a piece of an app into one that has sessions, and starts it. */
export async function serve (t: Test, cwd: string, text: string, { registered = true } = {}): Promise<Client> {
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
  return new Client(app.address)
}

/** Returns a snippet without its types. */
export function javascript ({ text }: Snippet): string {
  // Loaded only here: it takes longer than most snippets.
  const ts = require('typescript') as typeof import('typescript')
  return ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } }).outputText
}

/** Runs a program that ends by itself, and returns what it prints. */
export async function printed (text: string, cwd: string): Promise<string> {
  await writeFile(join(cwd, 'app.mjs'), text)
  return (await run(process.execPath, ['app.mjs'], { cwd, env: unmeasured() })).stdout
}

/** Whether a shell can parse the text. */
export async function checkShell (text: string): Promise<void> {
  await run('bash', ['-n', '-c', text])
}

/** `npm ci && npm x`: what npm would run is there. Running it here would be this very test again. */
export async function checkScripts (t: Test, text: string): Promise<void> {
  await checkShell(text)
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  for (const command of text.trim().split(' && ')) {
    const [npm, script = ''] = command.split(' ')
    t.equal(npm, 'npm')
    if (script === 'ci') await t.resolves(stat(join(root, 'package-lock.json')))
    else t.type(scripts[script], 'string', `${script} is a script`)
  }
}

/** Our TypeScript sources, as one text. */
export async function sources (): Promise<string> {
  const files = (await readdir(join(root, 'lib'), { recursive: true })).filter(name => name.endsWith('.ts'))
  return (await Promise.all(files.map(name => readFile(join(root, 'lib', name), 'utf8')))).join('\n')
}
