import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compile, unmeasured } from '../support/built-package'
import { checkSnippets, Document, printed, run } from './document'
import { MOVING } from './moving-snippets'
import { POSTGRES_SNIPPETS } from './postgres-snippets'
import { REDIS_SNIPPETS } from './redis-snippets'

const page = new Document('docs/stores.md')
const STRICT = ['--strict', '--skipLibCheck', '--module', 'node16', '--target', 'es2022', '--types', 'node']

checkSnippets(page, {
  ...REDIS_SNIPPETS,
  ...POSTGRES_SNIPPETS,
  ...MOVING,

  async 'memory-store' (t, { text }) {
    t.ok(text.split('\n').length < 140, 'it is short')
  },

  async conformance (t, { text }, cwd) {
    await writeFile(join(cwd, 'memory-store.ts'), page.snippets.get('memory-store')?.text ?? '')
    await writeFile(join(cwd, 'suite.ts'), text)
    // The plugin takes the store as well.
    await writeFile(join(cwd, 'app.ts'), `import Fastify from 'fastify'
      import fileSessions from 'fastify-file-sessions'
      import { MemoryStore } from './memory-store'
      Fastify().register(fileSessions, { store: new MemoryStore({ appid: 'sid' }) })`)
    await compile([...STRICT, join(cwd, 'suite.ts'), join(cwd, 'app.ts')])
    const { stdout } = await run(process.execPath, ['--test-reporter=tap', 'suite.js'], { cwd, env: unmeasured() })
    t.match(stdout, /^# fail 0$/m)
    t.ok(Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) > 60, 'and it has run')
  },

  async torture (t, { text }, cwd) {
    await writeFile(join(cwd, 'store.mjs'), `import { SessionFileStore } from 'fastify-file-sessions'
      export const makeStore = () => new SessionFileStore({ sessionDir: './sessions' })`)
    const report = await printed(text, cwd)
    t.match(report, /lost: 0,\s+doubled: 0,\s+resurrected: 0,\s+errors: \[\]/)
    t.match(report, /acknowledged: [1-9]/)
  }
})
