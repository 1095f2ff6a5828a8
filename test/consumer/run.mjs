/**
 * Uses the package as its users do: packs it, installs the tarball into empty directories, and runs
 * it from ESM, CommonJS and TypeScript, on this Node and on the newest one; then follows the
 * migration guides step by step, with the real packages that they start from.
 *
 * Needs the npm registry, and so is no part of `npm test`: run it with `npm run consumer`.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { followGuide } from './guide.mjs'
import { checkCounter } from './visit.mjs'

const NEWEST_NODE = 'latest'

const root = resolve(import.meta.dirname, '../..')
const work = mkdtempSync(join(tmpdir(), 'consumer-'))
process.once('exit', () => rmSync(work, { recursive: true, force: true }))

const npm = (cwd, ...parameters) => execFileSync('npm', [...parameters, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, encoding: 'utf8' })

console.log('packing')
const tarball = join(work, npm(root, 'pack', '--pack-destination', work).trim().split('\n').at(-1))

const newest = join(work, 'newest')
mkdirSync(newest)
writeFileSync(join(newest, 'package.json'), '{ "private": true }')
npm(newest, 'install', `node@${NEWEST_NODE}`)
const nodes = [process.execPath, join(newest, 'node_modules/node/bin/node')]

await useFromEverywhere()
for (const guide of readdirSync(join(root, 'docs')).filter(name => name.startsWith('migrate-'))) {
  console.log(`following ${guide}`)
  await followGuide(join(root, 'docs', guide), join(work, basename(guide, '.md')), { npm, tarball })
}
console.log('the package works for its users')

async function useFromEverywhere () {
  const directory = join(work, 'consumer')
  cpSync(join(root, 'test/consumer/apps'), directory, { recursive: true })
  writeFileSync(join(directory, 'package.json'), '{ "private": true }')
  npm(directory, 'install', 'fastify', 'typescript@5.9', '@types/node@20', tarball)

  console.log('compiling with TypeScript')
  for (const module of ['node16', 'nodenext']) {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.', '--module', module, '--outDir', module],
      { cwd: directory, stdio: 'inherit' })
  }
  for (const node of nodes) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
    for (const app of ['esm.mjs', 'cjs.cjs', 'node16/typed-esm.mjs', 'node16/typed-cjs.cjs', 'nodenext/typed-esm.mjs', 'nodenext/typed-cjs.cjs']) {
      console.log(`${version}: ${app}`)
      rmSync(join(directory, 'sessions'), { recursive: true, force: true })
      await checkCounter(node, app, directory)
    }
  }
}
