import underPressure from '@fastify/under-pressure'
import Fastify from 'fastify'
import fileSessions from 'fastify-file-sessions'
import metrics from './metrics.mjs'

const { PORT = '3000', SESSION_DIR = './sessions', MIN_FREE_BYTES } = process.env

const app = Fastify({ logger: { level: process.env.LOG_LEVEL ?? 'warn' } })
app.register(fileSessions, { appid: 'sid', sessionDir: SESSION_DIR })
app.register(metrics)
app.after(() => {
  // GET /status says whether sessions can be stored; when they cannot, every request is a 503, so
  // that a load balancer sends visitors elsewhere.
  app.register(underPressure, {
    exposeStatusRoute: { url: '/status', routeOpts: { config: { session: false } } },
    healthCheckInterval: 5000,
    async healthCheck () {
      await app.sessionStore.open()
      await app.sessionStore.checkDisk(MIN_FREE_BYTES === undefined ? {} : { freeBytes: Number(MIN_FREE_BYTES) })
      return true
    }
  })
})

app.get('/', async request => {
  const visits = await request.session.update(draft => { draft.visits = (draft.visits ?? 0) + 1; return draft.visits })
  return { visits }
})

const address = await app.listen({ port: Number(PORT), host: '127.0.0.1' })
console.log(`Listening at ${address}: / counts visits, /metrics is for Prometheus, /status for the load balancer`)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { app.close() })
