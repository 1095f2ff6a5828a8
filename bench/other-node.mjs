/** Contenders that are measured once more on another version of Node. */
import { spawnSync } from 'node:child_process'

const NAMES = ['ceiling', 'ours-disk', 'ours-disk-encrypted', 'ours-redis', 'ours-postgres']

/** Returns those of the contenders, to run on the Node at `path`; none where no path is given. */
export function onOtherNode (contenders, path) {
  if (path === undefined) return []
  const version = versionOf(path)
  return NAMES.map(name => {
    const contender = contenders.find(contender => contender.name === name)
    return { ...contender, name: `${name}-${version}`, app: name, label: `${contender.label}, Node ${version}`, node: path }
  })
}

function versionOf (path) {
  const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  if (error !== undefined || !/^v\d/.test(stdout)) throw new Error(`--other-node: ${path} is not a Node`)
  return stdout.trim()
}
