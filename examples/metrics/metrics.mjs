import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fastifyPlugin from 'fastify-plugin'

/**
 * GET /metrics: what fastify-file-sessions tells on its diagnostics channels, as Prometheus reads
 * it. Plain text, so it needs no package; with prom-client, do the same in its terms.
 */
export default fastifyPlugin(async fastify => {
  const loads = histogram('sessions_load_seconds', 'Time to look a session up', ['appid', 'found'])
  const commits = histogram('sessions_commit_seconds', 'Time to store a session', ['appid', 'kind'])
  const conflicts = counter('sessions_conflicts_total', 'Saves that met another and were merged with it', ['appid'])
  const gone = counter('sessions_gone_total', 'Saves dropped because the session was destroyed meanwhile', ['appid'])
  const reaps = histogram('sessions_reap_seconds', 'Time to remove what has expired', ['appid'])
  const reaped = counter('sessions_reaped_total', 'Expired sessions removed', ['appid'])
  const errors = counter('sessions_errors_total', 'Errors of the store', ['appid', 'operation', 'code', 'cause'])

  const listeners = {
    load: event => loads.observe(event, event.duration / 1000),
    commit: event => commits.observe(event, event.duration / 1000),
    conflict: event => conflicts.add(event),
    gone: event => gone.add(event),
    reap: event => {
      reaps.observe(event, event.duration / 1000)
      reaped.add(event, event.expired)
    },
    error: event => errors.add({ ...event, cause: event.cause ?? '' })
  }
  for (const [name, listener] of Object.entries(listeners)) subscribe(`fastify-file-sessions:${name}`, listener)
  fastify.addHook('onClose', async () => {
    for (const [name, listener] of Object.entries(listeners)) unsubscribe(`fastify-file-sessions:${name}`, listener)
  })

  // No session for this route: a scrape is no visitor.
  fastify.get('/metrics', { config: { session: false } }, async (_request, reply) => {
    reply.type('text/plain; version=0.0.4')
    return [loads, commits, conflicts, gone, reaps, reaped, errors].map(metric => metric.text()).join('')
  })
})

/** Seconds. */
const BUCKETS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]

function counter (name, help, labels) {
  const totals = new Map()
  return {
    add (event, by = 1) {
      const key = labelText(labels, event)
      totals.set(key, (totals.get(key) ?? 0) + by)
    },
    text () {
      return heading(name, help, 'counter') + [...totals].map(([key, total]) => `${name}{${key}} ${total}\n`).join('')
    }
  }
}

function histogram (name, help, labels) {
  const series = new Map()
  return {
    observe (event, seconds) {
      const key = labelText(labels, event)
      let one = series.get(key)
      if (one === undefined) series.set(key, one = { counts: BUCKETS.map(() => 0), sum: 0, count: 0 })
      BUCKETS.forEach((bound, index) => { if (seconds <= bound) one.counts[index]++ })
      one.sum += seconds
      one.count++
    },
    text () {
      return heading(name, help, 'histogram') + [...series].map(([key, { counts, sum, count }]) =>
        BUCKETS.map((bound, index) => `${name}_bucket{${key},le="${bound}"} ${counts[index]}\n`).join('') +
        `${name}_bucket{${key},le="+Inf"} ${count}\n${name}_sum{${key}} ${sum}\n${name}_count{${key}} ${count}\n`).join('')
    }
  }
}

function heading (name, help, type) {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
}

function labelText (labels, event) {
  return labels.map(label => `${label}="${String(event[label]).replace(/[\\"\n]/g, character => character === '\n' ? '\\n' : `\\${character}`)}"`).join(',')
}
