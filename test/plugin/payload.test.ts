import { createReadStream } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { SessionStoreError } from '../../lib/errors'
import { discard, hearErrors, takeCacheControl } from '../../lib/plugin/payload'
import { MemoryStore } from '../support/map-store'
import { serve } from '../support/serve'

const OTHERS: unknown[] = [undefined, null, '', 'text', Buffer.from('bytes'), 7, { body: null }, {}]

/** Waits until the stream is closed, whether it has failed or not. */
async function closed (stream: Readable): Promise<void> {
  if (!stream.closed) await new Promise(resolve => { stream.once('close', resolve) })
}

/** A reply that notes its headers. */
function replyWith (headers: Record<string, string>): FastifyReply {
  return { header: (name: string, value: string) => { headers[name] = value } } as unknown as FastifyReply
}

t.test('a stream that fails before it is sent does not end the process', async t => {
  const stream = new PassThrough()
  hearErrors(stream)
  stream.destroy(new Error('broken'))
  await closed(stream)
  for (const other of OTHERS) hearErrors(other)
})

t.test('what a payload holds open is given back', async t => {
  const stream = createReadStream(__filename)
  discard(stream)
  await closed(stream)
  for (const wrap of [(body: ReadableStream) => body, (body: ReadableStream) => new Response(body as never)]) {
    const source = createReadStream(__filename)
    discard(wrap(Readable.toWeb(source)))
    await closed(source)
    t.ok(source.closed)
  }
  const locked = Readable.toWeb(createReadStream(__filename))
  const reader = locked.getReader()
  discard(locked)
  t.match(await reader.read(), { done: false }, 'one that is being read is left alone')
  await reader.cancel()
  discard(Readable.toWeb(new Readable({ read () { this.destroy(new Error('broken')) } })))
  for (const other of OTHERS) discard(other)
})

t.test('what a Response says of caches goes to the reply, and no other header', async t => {
  const headers: Record<string, string> = {}
  const given = new Response('made', { status: 201, statusText: 'Made', headers: { 'cache-control': 'public', 'x-other': 'yes' } })
  const taken = takeCacheControl(given, replyWith(headers)) as Response
  t.strictSame(headers, { 'cache-control': 'public' })
  t.match(taken, { status: 201, statusText: 'Made' })
  t.strictSame([taken.headers.get('cache-control'), taken.headers.get('x-other'), await taken.text()], [null, 'yes', 'made'])

  const silent = new Response('text')
  const used = new Response('text', { headers: { 'cache-control': 'public' } })
  await used.text()
  for (const other of [...OTHERS, silent, used]) t.equal(takeCacheControl(other, replyWith(headers)), other)
  t.strictSame(headers, { 'cache-control': 'public' })
})

t.test('a Response keeps its cookie out of shared caches, whatever it says of them', async t => {
  const { visitor, url } = await serve(t, { store: new MemoryStore(), cookie: { maxAge: 3600 } }, app => {
    app.get('/source', (_request, reply) => { reply.header('cache-control', 'public, max-age=600').header('x-from', 'source').send('made') })
    app.get('/made', async request => {
      request.session.set('user', 'ada')
      return new Response('made', { status: 201, headers: [['cache-control', 'public, max-age=600'], ['set-cookie', 'a=1'], ['set-cookie', 'b=2']] })
    })
    app.get('/fetched', async request => {
      await request.session.regenerate(['user'])
      return await fetch(`${url}/source`)
    })
    app.get('/read', async request => new Response(String(request.session.get('user')), { headers: { 'cache-control': 'public, max-age=600' } }))
  })
  const client = visitor()
  const made = await client.get('/made')
  t.match(made, { status: 201, text: 'made' })
  t.strictSame(made.cookies.map(({ name }) => name).sort(), ['a', 'b', 'sid'])
  t.equal(made.headers.get('cache-control'), 'private, max-age=600')
  const fetched = await client.get('/fetched')
  t.match(fetched, { status: 200, text: 'made', cookies: [{ name: 'sid' }] })
  t.strictSame([fetched.headers.get('cache-control'), fetched.headers.get('x-from')], ['private, max-age=600', 'source'], 'the headers of an answer to fetch cannot be changed')
  t.equal((await client.get('/read')).headers.get('cache-control'), 'public, max-age=600', 'without the cookie it is the app\'s to say')
})

t.test('when the session cannot be stored, whatever was to be sent is closed', async t => {
  const store = new MemoryStore()
  store.before = { create: () => { throw new SessionStoreError('the server does not answer') } }
  const sources: Readable[] = []
  const { visitor } = await serve(t, { store }, app => {
    const kinds = { web: (body: ReadableStream) => body, response: (body: ReadableStream) => new Response(body as never, { headers: { 'cache-control': 'public' } }) }
    for (const [name, wrap] of Object.entries(kinds)) {
      app.get(`/${name}`, async request => {
        request.session.set('user', 'ada')
        sources.push(createReadStream(__filename))
        return wrap(Readable.toWeb(sources.at(-1) as Readable))
      })
    }
  })
  for (const path of ['/web', '/response']) {
    t.match(await visitor().get(path), { status: 503, cookies: [] })
    const source = sources.at(-1) as Readable
    await closed(source)
  }
  t.equal(sources.length, 2)
})
