import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { publishCreated, publishEnded, publishRenewed } from '../../lib/store/session-events'
import { sessionHandle, storageName } from '../../lib/store/session-id'

const [OLD, NEW] = [storageName('shop', 'old'), storageName('shop', 'new')]

function watch (t: Test, name: string): unknown[] {
  const events: unknown[] = []
  const listener = (event: unknown): void => { events.push(event) }
  subscribe(`fastify-file-sessions:${name}`, listener)
  t.teardown(() => { unsubscribe(`fastify-file-sessions:${name}`, listener) })
  return events
}

t.test('events name sessions by their handles', async t => {
  const [created, renewed, ended] = ['created', 'renewed', 'ended'].map(name => watch(t, name))
  publishCreated('shop', NEW, true)
  publishRenewed('shop', OLD, NEW, 'regenerate')
  publishEnded('shop', OLD, 'revoked')
  t.strictSame(created, [{ appid: 'shop', session: sessionHandle(NEW), authenticated: true }])
  t.strictSame(renewed, [{ appid: 'shop', session: sessionHandle(NEW), from: sessionHandle(OLD), cause: 'regenerate' }])
  t.strictSame(ended, [{ appid: 'shop', session: sessionHandle(OLD), reason: 'revoked' }])
})

t.test('without a subscriber no handle is made', async t => {
  const unused = { toString () { throw new Error('it is used') } } as unknown as string
  t.doesNotThrow(() => {
    publishCreated('shop', unused, false)
    publishRenewed('shop', unused, unused, 'regenerate')
    publishEnded('shop', unused, 'expired')
  })
})
