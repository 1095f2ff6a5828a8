import Module from 'node:module'
import { dirname, sep } from 'node:path'

type Load = (request: string, ...rest: unknown[]) => unknown

const loader = Module as unknown as { _load: Load }
const lib = `${dirname(require.resolve('../../lib/errors'))}${sep}`

/**
 * Loads a module of ours anew, and all that it imports of ours, with other modules in place of those
 * named. What was loaded before stays as it is.
 */
export function freshModule<T> (path: string, replaced: Record<string, unknown>): T {
  const load = loader._load
  const known = Object.entries(require.cache).filter(([path]) => path.startsWith(lib))
  for (const [path] of known) delete require.cache[path]
  loader._load = (request, ...rest) => replaced[request] ?? load(request, ...rest)
  try {
    return require(path) as T
  } finally {
    loader._load = load
    Object.assign(require.cache, Object.fromEntries(known))
  }
}
