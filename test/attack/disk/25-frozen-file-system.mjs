import { spawnSync } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fetchFrom } from '../support/site.mjs'

/** Milliseconds. What is not answered after so long hangs. */
const HANGS = 10_000

async function frozen (ground) {
  ground.needCommands('fsfreeze')
  const mount = ground.mount('-o', 'loop', ground.image('ext4', 32 << 20))
  const { port } = (await ground.start('server.mjs', [JSON.stringify({ sessionDir: `${mount}/sessions` })])).first
  const ask = (url, options) => fetchFrom(port, url, { ...options, signal: AbortSignal.timeout(HANGS) }).catch(() => ({ status: 0 }))
  const { cookie } = await ask('/set', { body: { n: 0 } })
  // So that it is in use, and goes the quick way.
  for (let count = 0; count < 20; count++) await ask('/count', { cookie, body: {} })
  const { status } = spawnSync('fsfreeze', ['--freeze', mount])
  ground.need(status === 0, 'this kernel freezes no file system')
  const thaw = () => { spawnSync('fsfreeze', ['--unfreeze', mount]) }
  ground.later(thaw)
  await wait(1500)
  const saving = fetchFrom(port, '/count', { cookie, body: {} }).catch(() => ({ status: 0 }))
  await wait(200)
  for (const url of ['/plain', '/read', '/plain', '/read']) {
    const { status } = await ask(url)
    ground.judge(status !== 200, 'a frozen file system keeps requests without a session from being answered')
    if (status !== 200) break
  }
  thaw()
  const { body } = await saving
  ground.judge(body?.count !== 21, 'a save that was held by a frozen file system is not stored once')
}

export const attacks = [{ entry: 25, name: 'a file system that is frozen', run: frozen }]
