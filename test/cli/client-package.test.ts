import t from 'tap'
import { join } from 'node:path'
import { importClient } from '../../lib/cli/client-package'

t.test('the client of the project comes first', async t => {
  const directory = t.testdir({
    project: { 'package.json': '{}', node_modules: { second: { 'index.js': 'module.exports = { of: "project" }' } } },
    ours: { 'package.json': '{}', node_modules: { first: { 'index.js': 'module.exports = { of: "ours" }' } } }
  })
  const places = ['project', 'ours'].map(name => join(directory, name, 'package.json'))
  t.match(await importClient(['first', 'second'], places), { name: 'second', exports: { of: 'project' } })
  t.match(await importClient(['first'], places), { name: 'first', exports: { of: 'ours' } })
})

t.test('what to install', async t => {
  const { message } = await importClient(['no-such-client'], []).catch((error: unknown) => error as Error) as Error
  t.equal(message, 'no client for this server is installed: run npm install no-such-client in your project, and start the command there')
  await t.rejects(importClient(['no-such-client', 'nor-this', 'nor-that']), { code: 'NO_CLIENT', message: /\(nor-this and nor-that will do as well\)/ })
})
