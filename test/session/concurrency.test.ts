import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { Barrier, Gate } from '../support/barrier'
import type { Client } from '../support/client'
import { countingRoutes } from '../support/counting-routes'
import { serve, type Served } from '../support/serve'
import { filesIn, sessionDirectory } from '../support/session-files'
import { undeclared } from '../support/undeclared'

const MANY = 50
const numbers = Array.from({ length: MANY }, (_, index) => index)
const keys = numbers.map(n => `key${n}`)

async function served (t: Parameters<typeof serve>[0], build: (app: FastifyInstance) => void): Promise<Served & { sessionDir: string }> {
  const sessionDir = sessionDirectory(t)
  return { ...await serve(t, { sessionDir }, build), sessionDir }
}

for (const pace of ['', '/slow']) {
  t.test(`${MANY} requests at once that each set a key of their own${pace}`, async t => {
    const barrier = new Barrier(MANY)
    const { visitor, sessionDir } = await served(t, app => { countingRoutes(app, () => barrier.arrive()) })
    const client = visitor()
    await client.get('/login')
    const answers = await Promise.all(keys.map(key => client.get(`${pace}/set/${key}`)))
    t.ok(answers.every(({ status, cookies }) => status === 200 && cookies.length === 0))
    t.strictSame((await client.get('/look')).json, { user: 'ann', n: 0, ...Object.fromEntries(keys.map(key => [key, process.pid])) })
    t.equal(filesIn(sessionDir).length, 1, 'and nothing else is left on the disk')
  })
}

for (const path of ['/update', '/slow/update', '/slow/update/inside']) {
  t.test(`${MANY} requests at once that count up by ${path}`, async t => {
    const barrier = new Barrier(MANY)
    const { visitor } = await served(t, app => { countingRoutes(app, () => barrier.arrive()) })
    const client = visitor()
    await client.get('/login')
    const answers = await Promise.all(numbers.map(() => client.get(path)))
    t.ok(answers.every(({ status }) => status === 200))
    t.match((await client.get('/look')).json, { user: 'ann', n: MANY })
  })
}

t.test('logout wins: a slow request does not bring the session back', async t => {
  const way = { at: new Gate() }
  const { visitor, sessionDir, log } = await served(t, app => {
    countingRoutes(app, async () => {})
    app.get('/slow/change', async request => {
      request.session.set('late', true)
      await way.at.pass()
    })
    app.get('/slow/touch', async request => {
      request.session.touch()
      await way.at.pass()
    })
    app.get('/slow/remember', async request => {
      request.session.options({ maxAge: 1000 })
      await way.at.pass()
    })
    app.get('/slow/save', async request => {
      request.session.set('late', true)
      await way.at.pass()
      await request.session.save()
      return { deleted: request.session.deleted, data: request.session.data() }
    })
    app.get('/slow/late-update', async request => {
      request.session.get('n')
      await way.at.pass()
      const answer = await request.session.update(() => 'stored')
      return { answer: answer ?? null, deleted: request.session.deleted }
    })
    app.get('/slow/regenerate', async request => {
      request.session.get('n')
      await way.at.pass()
      await request.session.regenerate()
    })
    app.get('/logout', async request => { await request.session.destroy() })
    app.get('/delete', async request => { request.session.delete() })
    app.get('/regenerate', async request => { await request.session.regenerate(['user']) })
  })
  for (const end of ['/logout', '/delete', '/regenerate']) {
    for (const slow of ['/slow/change', '/slow/save', '/slow/remember', '/slow/late-update', '/slow/regenerate', '/slow/touch']) {
      await t.test(`${slow}, ${end} meanwhile`, async t => {
        way.at = new Gate()
        const client = visitor()
        await client.get('/login')
        const old = client.jar.get('sid') as string
        const files = filesIn(sessionDir)
        const late = client.twin()
        const answer = late.get(slow)
        await way.at.arrived
        await client.get(end)
        way.at.open()
        const { status, json, cookies } = await answer
        t.equal(status, 200)
        t.strictSame(cookies, [], 'its cookie may be a newer one by now, and is left alone')
        if (slow === '/slow/save') t.strictSame(json, { deleted: true, data: {} })
        if (slow === '/slow/late-update') t.strictSame(json, { answer: null, deleted: true })

        const thief = visitor()
        thief.jar.set('sid', old)
        t.strictSame((await thief.get('/look')).json, {}, 'the old id never works again')
        t.equal(thief.jar.get('sid'), old, 'it is neither adopted nor cleared')
        const now = (await client.get('/look')).json
        t.strictSame(now, end === '/regenerate' ? { user: 'ann' } : {}, 'and nothing of it is in the new session')
        if (end !== '/regenerate') t.equal(filesIn(sessionDir).length, files.length - 1)
      })
    }
  }
  t.ok(log.some(({ level, msg }) => level === 20 && /destroyed in the meantime/.test(msg)))
})

t.test('a slow regenerate that keeps data', async t => {
  const way = { at: new Gate() }
  const { visitor, sessionDir } = await served(t, app => {
    countingRoutes(app, async () => {})
    app.get('/logout', async request => { await request.session.destroy() })
    app.get('/slow/regenerate', async request => {
      request.session.set('mine', 1)
      await way.at.pass()
      const done = undeclared(request).regenerate(['user', 'mine', 'theirs'])
      request.session.set('after', 1)
      await done
      return { deleted: request.session.deleted }
    })
  })
  async function regenerate (meanwhile: string): Promise<{ client: Client, json: unknown }> {
    way.at = new Gate()
    const client = visitor()
    await client.get('/login')
    const answer = client.get('/slow/regenerate')
    await way.at.arrived
    await client.twin().get(meanwhile)
    way.at.open()
    return { client, json: (await answer).json }
  }

  await t.test('what another request stored meanwhile is kept', async t => {
    const { client, json } = await regenerate('/set/theirs')
    t.strictSame(json, { deleted: false })
    t.strictSame((await client.get('/look')).json, { user: 'ann', mine: 1, theirs: process.pid, after: 1 })
    t.equal(filesIn(sessionDir).length, 1)
  })

  await t.test('a session that was destroyed meanwhile does not live on under another id', async t => {
    const { client, json } = await regenerate('/logout')
    t.strictSame(json, { deleted: true })
    t.strictSame((await client.get('/look')).json, {}, 'nor does what was set afterwards')
  })
})

t.test('two logouts at once, and two regenerations', async t => {
  for (const method of ['destroy', 'regenerate'] as const) {
    const barrier = new Barrier(2)
    const { visitor, sessionDir } = await served(t, app => {
      countingRoutes(app, async () => {})
      app.get('/end', async request => {
        request.session.get('user')
        await barrier.arrive()
        await request.session[method]()
      })
    })
    const client = visitor()
    await client.get('/login')
    const answers = await Promise.all([client.get('/end'), client.get('/end')])
    t.match(answers, [{ status: 200 }, { status: 200 }])
    t.match(answers.flatMap(({ cookies }) => cookies), [{ value: '' }], 'the request that ended it clears the cookie')
    t.strictSame(filesIn(sessionDir), [])
  }
})

t.test('many visitors at once keep apart', async t => {
  const { visitor } = await served(t, app => { countingRoutes(app, async () => {}) })
  await Promise.all(numbers.map(async n => {
    const client = visitor()
    await client.get('/login')
    await client.get(`/set/own${n}`)
    await client.get('/update')
    t.strictSame((await client.get('/look')).json, { user: 'ann', n: 1, [`own${n}`]: process.pid })
  }))
})
