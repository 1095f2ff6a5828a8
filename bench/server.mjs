/** One contender's app in a process of its own: `node server.mjs NAME OPTIONS`, told what to do by its parent. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { contenders } from './contenders.mjs'

const [name, options] = process.argv.slice(2)
const contender = contenders.find(contender => contender.name === name)
const app = await contender.make(JSON.parse(options))

let collector

/** The collector is looked for when it is asked for: the start of the process is measured, too. */
function collect () {
  setFlagsFromString('--expose-gc')
  collector ??= runInNewContext('gc')
  collector()
}

const answers = {
  cpu: () => process.cpuUsage(),
  collect,
  memory: () => {
    // Twice: what finalizers let go is collected the second time.
    collect()
    collect()
    return process.memoryUsage()
  },
  close: () => app.close()
}

process.on('message', async ({ question }) => {
  process.send({ answer: await answers[question]() })
  if (question === 'close') process.exit()
})
process.on('disconnect', () => { process.exit() })
process.send({ answer: app.port })
