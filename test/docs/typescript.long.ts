import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from '../support/built-package'

/**
 * Compiles every TypeScript snippet of the pages, in strict mode, each on its own.
 *
 * The comment before a snippet says how: `<!-- snippet: NAME -->` is a whole program;
 * `<!-- snippet: NAME, fragment -->` is a part of one, which has an `app` with the plugin, a `request`, a
 * `reply`, and `user` in its SessionData; a comment that names a file under `test/` says that the snippet is taken from it, and that
 * file is compiled with all others.
 */
const SNIPPET = /(?:<!-- (?<comment>[^\n]*?) -->\n\n?)?```ts\n(?<text>.*?)```/gs

const FRAGMENT = `
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type {} from 'fastify-file-sessions'

declare module 'fastify-file-sessions' {
  interface SessionData {
    user: { id: number, name: string }
  }
}

declare global {
  const app: FastifyInstance
  const request: FastifyRequest
  const reply: FastifyReply
}
`

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.Node16,
  types: ['node'],
  esModuleInterop: true,
  baseUrl: root,
  paths: { 'fastify-file-sessions': ['./index.mts'], 'fastify-file-sessions/*': ['./*.mts'] }
}

const pages = ['README.md', ...readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]
const parsed = new Map<string, ts.SourceFile | undefined>()

for (const page of pages) {
  const snippets = [...readFileSync(join(root, page), 'utf8').matchAll(SNIPPET)].map(({ groups }) => groups as { comment?: string, text: string })
  /** Whole programs of the page, which others import by their names. */
  const programs = new Map(snippets.flatMap(({ comment = '', text }) => {
    const [, name] = /^snippet: ([^,\s]+)$/.exec(comment) ?? []
    return name === undefined ? [] : [[join(root, 'docs', `${name}.ts`), text] as const]
  }))
  for (const { comment = '', text } of snippets) {
    if (comment.startsWith('test/')) continue
    t.test(`${page}: ${comment} compiles`, async t => {
      const [, name, fragment] = /^snippet: (\S+?)(, fragment)?$/.exec(comment) ?? []
      t.type(name, 'string', 'it has a name')
      t.strictSame(mistakes(text, fragment !== undefined, programs), [])
    })
  }
}

t.test('a snippet with a mistake does not compile', async t => {
  t.match(mistakes('app.sessionStore.nonsense()', true), [/nonsense/])
  t.match(mistakes("app.get('/', async () => 1)", false), [/app/], 'a whole program has no app')
  const declaring = "declare module 'fastify-file-sessions' { interface SessionData { own: number } }"
  t.strictSame(mistakes(`export {}\n${declaring}\nrequest.session.own = 1`, true), [])
  t.match(mistakes('export {}\nconst own: number | undefined = request.session.own', true), [/./], 'no snippet has what another one declares')
})

/** Returns what the compiler has to say of a module with this text. */
function mistakes (text: string, isFragment: boolean, importable = new Map<string, string>()): string[] {
  const files = new Map([[join(root, 'docs', 'snippet.mts'), text]])
  if (isFragment) files.set(join(root, 'fragment.mts'), FRAGMENT)
  const host = ts.createCompilerHost(OPTIONS)
  // No mistake depends on doc comments, and parsing them takes its time.
  host.jsDocParsingMode = ts.JSDocParsingMode.ParseNone
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = path => files.has(path) || importable.has(path) || fileExists(path)
  host.readFile = path => files.get(path) ?? importable.get(path) ?? readFile(path)
  host.getSourceFile = (path, language, ...rest) => {
    const own = files.get(path) ?? importable.get(path)
    if (own !== undefined) return ts.createSourceFile(path, own, language)
    // Parsed once; each program has a symbol table of its own for what the snippet adds to modules.
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, language, ...rest))
    return parsed.get(path)
  }
  const program = ts.createProgram([...files.keys()], OPTIONS, host)
  const snippet = program.getSourceFile(join(root, 'docs', 'snippet.mts'))
  return [...program.getSyntacticDiagnostics(snippet), ...program.getSemanticDiagnostics(snippet)]
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}
