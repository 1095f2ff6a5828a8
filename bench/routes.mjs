/** The routes of every contender's app, over its own way to get at session data. */

/** What a visitor's session holds: about 100 bytes as JSON. */
const user = { id: 48213, name: 'Grace Hopper', role: 'editor' }
const csrf = 'Wb3xYkqT0nC5uJ8r'

/** Those that the app without sessions has, too. */
export function addRoutes (app, { get, set }) {
  app.get('/anonymous', (request, reply) => { reply.send({ ok: true }) })

  app.get('/read', (request, reply) => { reply.send({ n: get(request.session, 'n') }) })

  app.get('/write', (request, reply) => {
    const { session } = request
    const n = get(session, 'n') + 1
    set(session, 'n', n)
    reply.send({ n })
  })

  app.get('/login', (request, reply) => {
    const { session } = request
    set(session, 'user', user)
    set(session, 'csrf', csrf)
    set(session, 'n', 0)
    if (request.query.size !== undefined) set(session, 'cart', cart(Number(request.query.size)))
    reply.send({ ok: true })
  })
}

export function addSessionRoutes (app, { get, set, destroy, renew }) {
  app.get('/renew', async (request, reply) => {
    const { session } = request
    set(session, 'user', user)
    set(session, 'n', 0)
    await session.save()
    await renew(session, ['user', 'n'])
    reply.send({ ok: true })
    return reply
  })

  app.get('/cart', (request, reply) => {
    reply.send({ name: get(request.session, 'user')?.name, bytes: JSON.stringify(get(request.session, 'cart') ?? null).length })
  })

  app.get('/logout', async (request, reply) => {
    await destroy(request.session)
    reply.send({ ok: true })
    return reply
  })
}

/** An array of small objects, `size` bytes as JSON, or a few more. */
function cart (size) {
  const items = []
  for (let bytes = 2; bytes < size;) {
    const item = { sku: `A-${100000 + items.length}`, title: 'Notebook, ruled', quantity: 1 + items.length % 5, price: 4.95 }
    items.push(item)
    bytes += JSON.stringify(item).length + 1
  }
  return items
}
