// Reads and saves sessions that others save as well, so that their files are rewritten all the time:
// node rewriter.mjs <sessionDir> <rounds> <id>…
// Reports how often it read, and how often a session was gone.
import { SessionFileStore } from 'fastify-file-sessions'

const [sessionDir, rounds, ...ids] = process.argv.slice(2)
const store = new SessionFileStore({ sessionDir })
let reads = 0
let gone = 0
process.once('message', async () => {
  for (let round = 0; round < Number(rounds); round++) {
    for (const sesid of ids) {
      reads++
      const text = await store.getSession(sesid).catch(() => undefined)
      if (text === null) gone++
      await store.putSession(sesid, `${round}`.repeat(2000)).catch(() => {})
    }
  }
  process.send({ reads, gone }, () => { process.exit(0) })
})
process.send('ready')
