// Carries out one attack and reports it: node one-attack.mjs <file> <index> <directory of its own>
import { Ground, Skipped } from './ground.mjs'

const [file, index, base] = process.argv.slice(2)
const { attacks } = await import(file)
const ground = new Ground(base)
const report = {}
try {
  await attacks[Number(index)].run(ground)
} catch (error) {
  if (error instanceof Skipped) report.skipped = error.message
  else report.error = String(error.stack ?? error) + (error.cause === undefined ? '' : `\ncause: ${error.cause.stack}`)
}
try {
  await ground.leave()
} catch (error) {
  report.error ??= `cleaning up: ${error.stack}`
}
process.send({ ...report, ...ground.report() }, () => { process.exit(0) })
