import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const root = resolve(__dirname, '../..')
const tsc = createRequire(__filename).resolve('typescript/bin/tsc')
const cache = join(root, 'node_modules/.cache/built-package')
/** All that a build is made of. */
const SOURCES = [
  'index.ts', 'index.mts', 'connect.ts', 'connect.mts', 'conformance.ts', 'conformance.mts', 'redis.ts', 'redis.mts',
  'postgres.ts', 'postgres.mts', 'lib', 'types',
  'tsconfig.json', 'tsconfig.build.json', 'package.json', 'node_modules/typescript/package.json'
]

/**
 * Installs the package as it is now in `directory`/node_modules, where an app in `directory` finds
 * it by its name. Its dependencies are the repository's own. So a test needs no build beforehand
 * and never runs an old one.
 */
export async function installBuilt (directory: string): Promise<void> {
  const target = join(directory, 'node_modules', 'fastify-file-sessions')
  await mkdir(target, { recursive: true })
  await cp(await builtPackage(), join(target, 'dist'), { recursive: true })
  await copyFile(join(root, 'package.json'), join(target, 'package.json'))
  // A package of its own: otherwise the name would mean the repository that the directory is in.
  await writeFile(join(directory, 'package.json'), '{ "private": true }\n')
}

/** Returns the directory of the build of these sources. It is made once for all tests, and made anew when a source changes. */
async function builtPackage (): Promise<string> {
  const built = join(cache, await sourceHash())
  if (existsSync(built)) return built
  const own = `${built}.${process.pid}`
  await compile(['-p', join(root, 'tsconfig.build.json'), '--outDir', own])
  // Another test may have built the same meanwhile.
  await rename(own, built).catch(async (error: unknown) => {
    if (!existsSync(built)) throw error
    await rm(own, { recursive: true })
  })
  return built
}

async function sourceHash (): Promise<string> {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    for (const path of await filesOf(join(root, source))) hash.update(`${path}\0`).update(await readFile(path)).update('\0')
  }
  return hash.digest('hex')
}

/** The file itself, or all files below the directory, in the order of their names. */
async function filesOf (path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name)).sort()
  } catch {
    return [path]
  }
}

/** Runs the TypeScript compiler; its complaints are the error's message. */
export async function compile (parameters: string[]): Promise<void> {
  try {
    await run(process.execPath, [tsc, ...parameters], { env: unmeasured() })
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout)
  }
}

/** Returns the environment without what makes tap measure the coverage of a program that is not to be covered, which costs time. */
export function unmeasured (): NodeJS.ProcessEnv {
  const { NODE_OPTIONS, ...env } = process.env
  return env
}
