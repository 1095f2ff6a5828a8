import { execFile } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const root = resolve(__dirname, '../..')
const tsc = createRequire(__filename).resolve('typescript/bin/tsc')

/**
 * Builds the package as it is now into `directory`/node_modules, where an app in `directory` finds
 * it by its name. Its dependencies are the repository's own. So a test needs no build beforehand
 * and never runs an old one.
 */
export async function installBuilt (directory: string): Promise<void> {
  const target = join(directory, 'node_modules', 'fastify-file-sessions')
  await mkdir(target, { recursive: true })
  await compile(['-p', join(root, 'tsconfig.build.json'), '--outDir', join(target, 'dist')])
  await copyFile(join(root, 'package.json'), join(target, 'package.json'))
  // A package of its own: otherwise the name would mean the repository that the directory is in.
  await writeFile(join(directory, 'package.json'), '{ "private": true }\n')
}

/** Runs the TypeScript compiler; its complaints are the error's message. */
export async function compile (parameters: string[]): Promise<void> {
  try {
    await run(process.execPath, [tsc, ...parameters])
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout)
  }
}
