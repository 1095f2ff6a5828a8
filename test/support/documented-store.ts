import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import * as entry from '../../index'
import type {
  IterableSessionStore, PortableRecordStore, ReadableSessionStore, ReapableSessionStore
} from '../../lib/store/session-store'
import type { BaseRecordStore } from '../../lib/store/record-store'

/** What the store of the page keeps of a session. */
export interface Entry {
  text: string
  idleTimeout: number | undefined
  createdAt: number
  lastAccess: number
  version: string
  appid: string
}

export interface DocumentedOptions {
  appid?: string
  idleTimeout?: number
  absoluteTimeout?: number | undefined
  memory?: Map<string, Entry>
}

type Features = { readonly [feature in 'records' | 'iterable' | 'readable' | 'reapable' | 'portable']: true }
type DocumentedStore = BaseRecordStore & IterableSessionStore & ReadableSessionStore & ReapableSessionStore & PortableRecordStore &
  { readonly features: Features }

/** The store of docs/stores.md, as the page has it. */
export const MemoryStore = load() as new (options?: DocumentedOptions) => DocumentedStore

function load (): unknown {
  const page = readFileSync(join(__dirname, '../../docs/stores.md'), 'utf8')
  const [, text = ''] = /<!-- snippet: memory-store -->\n```ts\n(.*?)```/s.exec(page) ?? []
  const { outputText } = ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } })
  const exports = {}
  // eslint-disable-next-line no-new-func -- a program of our own page
  new Function('exports', 'require', outputText)(exports, (name: string) => name === 'fastify-file-sessions' ? entry : require(name))
  return (exports as { MemoryStore: unknown }).MemoryStore
}
