import type { RedisConnection, RunOnServer } from './redis-connection'

/** What the store uses of `GlideClient` and `GlideClusterClient` of @valkey/valkey-glide. */
export interface ValkeyGlideClient {
  customCommand (command: string[], options?: never): Promise<unknown>
  close (): void
}

/** `GlideClusterClient` alone has `invokeScriptWithRoute`. */
interface ValkeyGlideCluster {
  customCommand (command: string[], options?: object): Promise<unknown>
}

/** Whether it is a client of @valkey/valkey-glide. */
export function isValkeyGlide (client: object): client is ValkeyGlideClient {
  return 'customCommand' in client
}

/**
 * Returns the connection of a client of @valkey/valkey-glide. It shares one connection among all
 * commands and does not tell when it is a new one, so it cannot wait for replicas.
 */
export function valkeyGlideConnection (client: ValkeyGlideClient): RedisConnection {
  const isCluster = 'invokeScriptWithRoute' in client
  const run: RunOnServer = command => client.customCommand(command)
  return {
    client: isCluster ? 'cluster client of valkey-glide' : 'client of valkey-glide',
    isCluster,
    joinsCalls: !isCluster,
    keyPrefix: '',
    isReady: () => true,
    obstacle: () => 'isClosed' in client && client.isClosed === true ? 'the client was closed: make a new one, and close it after the app' : null,
    run: (_key, command) => client.customCommand(command),
    servers: async () => isCluster ? await primaries(client as unknown as ValkeyGlideCluster) : [run]
  }
}

async function primaries (client: ValkeyGlideCluster): Promise<RunOnServer[]> {
  const answers = await client.customCommand(['CLIENT', 'ID'], { route: 'allPrimaries' })
  // An entry for each server that answered.
  const hosts = (answers as Array<{ key: unknown }>).map(({ key }) => String(key))
  return hosts.map(host => command => client.customCommand(command, { route: { type: 'routeByAddress', host } }))
}
