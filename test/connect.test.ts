import t from 'tap'
import * as connectEntry from '../connect'
import * as entry from '../index'

t.test('the entry point /connect: the same classes, without the plugin', t => {
  const { default: plugin, fileSessions, requireFresh, sessionCookie, ...rest } = entry
  t.strictSame({ ...connectEntry }, rest)
  t.end()
})

t.test('the entry point /connect loads nothing of Fastify\'s', t => {
  const modulesOf = (path: string, found = new Set<string>()): Set<string> => {
    found.add(path)
    for (const { filename } of require.cache[path]?.children ?? []) if (!found.has(filename)) modulesOf(filename, found)
    return found
  }
  const ofFastify = (name: string): string[] => [...modulesOf(require.resolve(name))]
    .filter(path => /node_modules\/(@fastify|fastify|fastify-plugin)\//.test(path))
  t.not(ofFastify('../index').length, 0)
  t.strictSame(ofFastify('../connect'), [])
  t.end()
})
