import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IterableSessionStore, PortableRecordStore, ReadableSessionStore, ReapableSessionStore } from '../../lib/store/store-abilities'
import { BaseRecordStore } from '../../lib/store/record-store'
import { compiled } from './typescript-output.cjs'

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
  const path = join(__dirname, '../../docs/stores.md')
  const page = readFileSync(path, 'utf8')
  const [, text = ''] = /<!-- snippet: memory-store -->\n```ts\n(.*?)```/s.exec(page) ?? []
  const exports = {}
  // eslint-disable-next-line no-new-func -- a program of our own page
  new Function('exports', 'require', compiled(`${path}.ts`, text))(exports, (name: string) => name === 'fastify-file-sessions' ? { BaseRecordStore } : require(name))
  return (exports as { MemoryStore: unknown }).MemoryStore
}
