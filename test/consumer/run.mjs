/**
 * Uses the package as its users do: packs it, installs the tarball into empty directories, and runs
 * it from ESM, CommonJS and TypeScript, with Fastify and with Express alone, on the lowest Node, on this
 * one and on the newest; tests the memory store of docs/stores.md under vitest; then follows the migration guides step by step, with the real packages that
 * they start from.
 *
 * Needs the npm registry, and so is not part of `npm test`: run it with `npm run consumer`.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { followGuide } from './guide.mjs'
import { checkCounter } from './visit.mjs'

const LOWEST_NODE = '22.2.0'
const NEWEST_NODE = 'latest'

const root = resolve(import.meta.dirname, '../..')
const work = mkdtempSync(join(tmpdir(), 'consumer-'))
process.once('exit', () => rmSync(work, { recursive: true, force: true }))

const npm = (cwd, ...parameters) => execFileSync('npm', [...parameters, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, encoding: 'utf8' })

console.log('packing')
const tarball = join(work, npm(root, 'pack', '--pack-destination', work).trim().split('\n').at(-1))

const [lowest, newest] = [LOWEST_NODE, NEWEST_NODE].map(installNode)
const nodes = [lowest, process.execPath, newest]

installsWithoutWarning()
await useFrom('apps', ['fastify', '@fastify/cookie', '@types/node@22'])
await useFrom('express', ['express', 'express-session', '@types/node@22', '@types/express', '@types/express-session'])
testUnderVitest()
for (const guide of readdirSync(join(root, 'docs')).filter(name => name.startsWith('migrate-'))) {
  console.log(`following ${guide}`)
  await followGuide(join(root, 'docs', guide), join(work, basename(guide, '.md')), { npm, tarball })
}
console.log('the package works for its users')

function emptyDirectory (name) {
  const directory = join(work, name)
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), '{ "private": true }')
  return directory
}

/** Installs this version of Node and returns the path of its program. */
function installNode (version) {
  const directory = emptyDirectory(`node-${version}`)
  npm(directory, 'install', `node@${version}`)
  return join(directory, 'node_modules/node/bin/node')
}

/** The lowest Node that the package names is one that all its dependencies run on. */
function installsWithoutWarning () {
  console.log(`installing on Node ${LOWEST_NODE}`)
  const { stderr, status } = spawnSync(lowest, [process.env.npm_execpath, 'install', tarball, '--no-audit', '--no-fund'],
    { cwd: emptyDirectory('lowest'), encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.doesNotMatch(stderr, /EBADENGINE/)
}

/** The store of the page passes the suite that the page runs under node:test under vitest, too. */
function testUnderVitest () {
  console.log('testing a store under vitest')
  const directory = emptyDirectory('vitest')
  npm(directory, 'install', 'fastify', 'vitest', tarball)
  const page = readFileSync(join(root, 'docs/stores.md'), 'utf8')
  const snippet = name => page.split(`<!-- snippet: ${name} -->\n\`\`\`ts\n`)[1].split('```')[0]
  writeFileSync(join(directory, 'memory-store.ts'), snippet('memory-store'))
  const suite = snippet('conformance')
  assert.match(suite, /from 'node:test'/)
  writeFileSync(join(directory, 'memory-store.test.ts'), suite.replace("from 'node:test'", "from 'vitest'"))
  execFileSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', '--outputFile=report.json'], { cwd: directory, stdio: 'inherit' })
  const report = readFileSync(join(directory, 'report.json'), 'utf8')
  const { success, numPassedTests, numTotalTests } = JSON.parse(report)
  assert.ok(success && numPassedTests === numTotalTests && numTotalTests > 0, report)
  console.log(`${numPassedTests} tests passed`)
}

/** Runs the apps of a directory beside this file, with what they need installed. */
async function useFrom (apps, packages) {
  const directory = join(work, apps)
  cpSync(join(root, 'test/consumer', apps), directory, { recursive: true })
  writeFileSync(join(directory, 'package.json'), '{ "private": true }')
  npm(directory, 'install', 'typescript@5.9', ...packages, tarball)

  console.log(`compiling ${apps} with TypeScript`)
  for (const module of ['node16', 'nodenext']) {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.', '--module', module, '--outDir', module],
      { cwd: directory, stdio: 'inherit' })
  }
  for (const node of nodes) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
    for (const app of ['esm.mjs', 'cjs.cjs', 'node16/typed-esm.mjs', 'node16/typed-cjs.cjs', 'nodenext/typed-esm.mjs', 'nodenext/typed-cjs.cjs']) {
      console.log(`${version}: ${apps}/${app}`)
      rmSync(join(directory, 'sessions'), { recursive: true, force: true })
      await checkCounter(node, app, directory)
    }
  }
}
