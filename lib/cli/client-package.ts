import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SessionError } from '../errors'

/**
 * Imports the first of these packages that is installed: for the project in the working directory, or
 * beside this package. Returns its name and what it exports. The package has no dependency on them.
 *
 * @throws {SessionError} that says what to install
 */
export async function importClient (
  names: readonly string[], directories = [join(process.cwd(), 'package.json'), __filename]
): Promise<{ name: string, exports: Record<string, unknown> }> {
  for (const directory of directories) {
    for (const name of names) {
      const path = found(directory, name)
      if (path === null) continue
      const exports = await import(pathToFileURL(path).href) as Record<string, unknown>
      return { name, exports: { ...exports['default'] as object, ...exports } }
    }
  }
  throw new SessionError('NO_CLIENT', `no client for this server is installed: run npm install ${names[0] as string} in your project` +
    `${names.length > 1 ? ` (${names.slice(1).join(' and ')} will do as well)` : ''}, and start the command there`)
}

function found (directory: string, name: string): string | null {
  try {
    return createRequire(directory).resolve(name)
  } catch {
    return null
  }
}
