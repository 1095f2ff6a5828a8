import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { installBuilt, root } from '../support/built-package'

interface Packages { npm: (directory: string, ...parameters: string[]) => void, tarball: string }
type Follow = (page: string, directory: string, packages: Packages) => Promise<void>

/** In the place of npm: the packages are there already, those of the repository and the built one. */
function installed (_directory: string, command: string, ...names: string[]): void {
  if (!['install', 'uninstall'].includes(command)) throw new Error(`npm ${command}`)
  for (const name of names) {
    if (!existsSync(join(root, 'node_modules', name)) && name !== 'fastify-file-sessions') throw new Error(`${name} is not installed`)
  }
}

t.test('the migration guides lead to an app that behaves the same', async t => {
  // @ts-expect-error -- it has no declarations
  const { followGuide } = await import('../consumer/guide.mjs') as { followGuide: Follow }
  const directory = t.testdir()
  await installBuilt(directory)
  const bin = join(directory, 'node_modules/.bin')
  const command = join(directory, 'node_modules/fastify-file-sessions/dist/lib/cli/main.js')
  await mkdir(bin)
  await chmod(command, 0o755)
  await symlink(command, join(bin, 'file-sessions'))
  for (const guide of (await readdir(join(root, 'docs'))).filter(name => name.startsWith('migrate-'))) {
    await t.resolves(followGuide(join(root, 'docs', guide), join(directory, guide), { npm: installed, tarball: 'fastify-file-sessions' }), guide)
  }
})
