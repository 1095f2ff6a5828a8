// A server in a process of its own: node server.mjs <options as JSON>. Sends its port; ends at SIGTERM.
import Fastify from 'fastify'
import fileSessions from 'fastify-file-sessions'
import { addRoutes } from './routes.mjs'

const app = Fastify({ forceCloseConnections: true })
await app.register(fileSessions, JSON.parse(process.argv[2]))
addRoutes(app)
app.get('/memory', { config: { session: false } }, async () => ({ mostKilobytes: process.resourceUsage().maxRSS }))
process.on('SIGTERM', () => { app.close().then(() => { process.exit(0) }) })
const address = await app.listen({ port: 0, host: '127.0.0.1' })
process.send({ port: Number(new URL(address).port) })
