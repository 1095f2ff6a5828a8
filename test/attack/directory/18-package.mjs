import fs from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Outside a project `npx NAME` fetches whatever package has that name. */
async function foreignCommand (ground) {
  const paths = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'docs', 'lib', 'examples'].flatMap(name => filesOf(join(ROOT, name)))
  for (const path of paths) {
    const lines = fs.readFileSync(path, 'utf8').split('\n')
    ground.tried()
    ground.succeeded('a page tells readers to run npx file-sessions', lines.filter(line => /npx (?!--no-install )[^|`]*(?<!fastify-)\bfile-sessions\b/.test(line)).length)
  }
}

function filesOf (path) {
  if (!fs.existsSync(path)) return []
  if (!fs.lstatSync(path).isDirectory()) return [path]
  return fs.readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.(md|ts|mts|mjs|js)$/.test(entry.name) && !`${entry.parentPath ?? entry.path}/`.includes('/node_modules/'))
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
}

/** What npm would warn about on the lowest Node that the package names. */
async function engines (ground) {
  const own = JSON.parse(fs.readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const lowest = /^>=\s*(\d+\.\d+\.\d+)$/.exec(own.engines.node)[1].split('.').map(Number)
  const seen = new Set()
  const queue = Object.keys(own.dependencies).map(name => ({ name, from: ROOT }))
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const path = packageOf(next.name, next.from)
    if (seen.has(path)) continue
    seen.add(path)
    const { name, version, engines, dependencies = {} } = JSON.parse(fs.readFileSync(join(path, 'package.json'), 'utf8'))
    const range = engines?.node ?? '*'
    ground.judge(!satisfies(lowest, range), `${name}@${version} wants Node ${range}, the package ${own.engines.node}`)
    for (const name of Object.keys(dependencies)) queue.push({ name, from: path })
  }
}

function packageOf (name, from) {
  const { resolve } = createRequire(join(from, 'package.json'))
  for (const folder of resolve.paths(name)) {
    if (fs.existsSync(join(folder, name, 'package.json'))) return fs.realpathSync(join(folder, name))
  }
  throw new Error(`${name} is not installed for ${dirname(from)}`)
}

/** Ranges as packages write them for Node: alternatives of `*`, `>=1.2`, `^1.2`, `1.x` and the like. */
function satisfies (version, range) {
  return range.split('||').some(alternative => alternative.trim().replace(/([<>=^~]) +/g, '$1').split(/\s+/).every(comparator => {
    const [, sign, numbers] = /^([<>=^~]*)v?([\dx*.]*)$/.exec(comparator) ?? []
    if (numbers === undefined) throw new Error(`cannot read the range ${range}`)
    const wanted = numbers.split('.').filter(part => /^\d+$/.test(part)).map(Number)
    const order = wanted.reduce((order, part, index) => order || version[index] - part, 0)
    if (sign === '>=') return order >= 0
    if (sign === '>') return order > 0
    if (sign === '<') return order < 0
    if (sign === '<=') return order <= 0
    if (sign === '^') return order >= 0 && version[0] === wanted[0]
    if (sign === '~') return order >= 0 && version[0] === wanted[0] && (wanted.length < 2 || version[1] === wanted[1])
    return order === 0
  }))
}

export const attacks = [
  { entry: 18, name: "a stranger's package under the command's name", run: foreignCommand },
  { entry: 18, name: 'dependencies that refuse the lowest Node', run: engines }
]
