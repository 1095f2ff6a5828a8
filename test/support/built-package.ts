import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { hasCode } from '../../lib/errors'

const run = promisify(execFile)
export const root = resolve(__dirname, '../..')
const tsc = createRequire(__filename).resolve('typescript/bin/tsc')
const cache = join(root, 'node_modules/.cache/built-package')
/** Milliseconds. */
const LOOK_AGAIN = 100
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
  await mkdir(cache, { recursive: true })
  while (!existsSync(built)) {
    if (await isBuilder(`${built}.builder`)) await build(built)
    else await wait(LOOK_AGAIN)
  }
  return built
}

/** Whether this process is the one that builds: the first one, or the first after one that was killed. */
async function isBuilder (path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  const pid = Number(await readFile(path, 'utf8').catch(() => ''))
  if (pid !== 0 && !isAlive(pid)) await rm(path, { force: true })
  return false
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function build (built: string): Promise<void> {
  const own = `${built}.${process.pid}`
  try {
    // `npm run types` checks them.
    await compile(['-p', join(root, 'tsconfig.build.json'), '--outDir', own, '--noCheck'])
    // Where two took the place of one that was killed, both have built the same.
    await rename(own, built).catch(async (error: unknown) => {
      if (!existsSync(built)) throw error
      await rm(own, { recursive: true })
    })
  } finally {
    await rm(`${built}.builder`, { force: true })
  }
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
