import { pathToFileURL } from 'node:url'
import t from 'tap'

interface Contender { name: string, label: string, app?: string, node?: string }
type OnOtherNode = (contenders: Contender[], path: string | undefined) => Contender[]

const load = async <Value> (file: string): Promise<Value> => await import(pathToFileURL(`bench/${file}`).href) as Value

t.test('a contender on another Node runs the app of the first under a name of its own', async t => {
  const { onOtherNode } = await load<{ onOtherNode: OnOtherNode }>('other-node.mjs')
  const { contenders } = await load<{ contenders: Contender[] }>('contenders.mjs')
  t.strictSame(onOtherNode(contenders, undefined), [])
  const disk = onOtherNode(contenders, process.execPath).find(({ app }) => app === 'ours-disk')
  t.match(disk, { name: `ours-disk-${process.version}`, label: `fastify-file-sessions, Node ${process.version}`, node: process.execPath })
})

t.test('what is not a Node stops the benchmark', async t => {
  const { onOtherNode } = await load<{ onOtherNode: OnOtherNode }>('other-node.mjs')
  const { contenders } = await load<{ contenders: Contender[] }>('contenders.mjs')
  t.throws(() => onOtherNode(contenders, '/bin/echo'), /--other-node: \/bin\/echo is not a Node/)
  t.throws(() => onOtherNode(contenders, '/nowhere/node'), /is not a Node/)
})
