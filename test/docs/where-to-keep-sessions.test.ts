import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { Test } from 'tap'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { checkShell, checkSnippets, Document, run } from './document'

/** Runs the `install -d` of a recipe, for this user and in another place; the app can use what it makes. */
async function checkInstall (t: Test, command: string, cwd: string): Promise<void> {
  const path = /\S+$/.exec(command)?.[0] ?? ''
  const sessionDir = join(cwd, path)
  await run('bash', ['-c', command.replace('sudo ', '').replace('-o 1000 -g 1000 ', '').replace(path, sessionDir)])
  const store = new SessionFileStore({ sessionDir })
  await store.open()
  t.equal((await stat(sessionDir)).mode & 0o777, 0o700)
  await store.close()
}

checkSnippets(new Document('docs/where-to-keep-sessions.md'), {
  async ignore (t, { text }, cwd) {
    await run('bash', ['-c', text], { cwd })
    for (const file of ['.gitignore', '.dockerignore']) t.equal(await readFile(join(cwd, file), 'utf8'), 'sessions/\n')
    await run('git', ['init', '--quiet'], { cwd })
    await new SessionFileStore({ sessionDir: join(cwd, 'sessions') }).newSession()
    await writeFile(join(cwd, 'app.mjs'), '')
    const { stdout } = await run('git', ['status', '--porcelain', '--untracked-files=all'], { cwd })
    t.notMatch(stdout, 'sessions/')
    t.match(stdout, 'app.mjs')
  },

  async 'bind-mount' (t, { text }, cwd) {
    await checkShell(text)
    const [install = '', docker = ''] = text.trim().split('\n')
    await checkInstall(t, install, cwd)
    t.match(docker, `--volume ${/\S+$/.exec(install)?.[0] ?? 'none'}:/var/lib/sessions`)
  },

  async 'kubernetes-volume' (t, { text }, cwd) {
    const [claim, deployment] = parseAllDocuments(text).map(document => {
      t.same(document.errors, [])
      return document.toJS()
    })
    const { spec } = deployment.spec.template
    t.same(spec.volumes, [{ name: 'sessions', persistentVolumeClaim: { claimName: claim.metadata.name } }])
    t.same(deployment.spec.selector.matchLabels, deployment.spec.template.metadata.labels)
    t.notMatch(text, 'fsGroup:')
    const [init] = spec.initContainers
    const [container] = spec.containers
    t.same(init.volumeMounts, container.volumeMounts)
    t.match(init.command.at(-1), `${init.volumeMounts[0].mountPath}/sessions`)
    await checkInstall(t, init.command.join(' '), cwd)

    // What `fsGroup` does to a volume: the group may use everything, and its directories hand the group on.
    const sessionDir = join(cwd, 'volume')
    await mkdir(sessionDir, { mode: 0o700 })
    await chmod(sessionDir, 0o2770)
    await t.rejects(new SessionFileStore({ sessionDir }).open(), { message: /its group may use the session directory/ })
  }
})
