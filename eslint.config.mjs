import importX from 'eslint-plugin-import-x'
import neostandard, { plugins } from 'neostandard'

/** The folders of `lib`, each with the folders that it may import from. `lib` itself holds what all of them share. */
const FLOORS = {
  plugin: ['session', 'store', 'store/files'],
  cli: ['connect', 'session', 'store', 'store/files', 'store/redis', 'store/postgres'],
  connect: ['session', 'store'],
  session: ['store'],
  'store/files': ['store'],
  'store/redis': ['store'],
  'store/postgres': ['store'],
  conformance: ['store'],
  store: []
}
const folders = Object.keys(FLOORS)
const pathOf = folder => `./lib/${folder}`

const zones = folders.map(folder => ({
  target: folder === 'store' ? './lib/store/*.ts' : pathOf(folder),
  from: folders.filter(other => other !== folder && !FLOORS[folder].includes(other) && !folder.startsWith(`${other}/`)).map(pathOf),
  message: `lib/${folder} may import from ${['itself', ...FLOORS[folder].map(other => `lib/${other}`), 'the files of lib'].join(', ')} only.`
}))
zones.push({ target: './lib/*.ts', from: folders.map(pathOf), message: 'What all folders share may import from none of them.' })
zones.push({ target: './lib', from: ['./index.ts', './connect.ts', './redis.ts', './postgres.ts', './conformance.ts', './test', './bench', './examples'], message: 'Data flow down: nothing in lib imports what uses it.' })

export default [
  ...neostandard({ ts: true, filesTs: ['**/*.mts', '**/*.cts'], ignores: ['dist', '.tap'] }),
  {
    files: ['**/*.ts', '**/*.mts', '**/*.cts'],
    plugins: { '@typescript-eslint': plugins['typescript-eslint'].plugin },
    rules: { '@typescript-eslint/no-explicit-any': 'error' }
  },
  {
    files: ['lib/**/*.ts'],
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver': { node: { extensions: ['.ts', '.mts'] } } },
    rules: { 'import-x/no-restricted-paths': ['error', { zones }] }
  },
  {
    files: ['lib/**/*.ts'],
    ignores: ['lib/plugin/**'],
    rules: {
      'no-restricted-imports': ['error', {
        paths: ['fastify', 'fastify-plugin'].map(name => ({ name, message: 'Only lib/plugin knows Fastify.' }))
      }]
    }
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/support/fast-check.ts'],
    rules: {
      'no-restricted-imports': ['error', {
        paths: [{ name: 'fast-check', message: 'Import test/support/fast-check: with it `npm test` tries the same in each run.' }]
      }]
    }
  }
]
