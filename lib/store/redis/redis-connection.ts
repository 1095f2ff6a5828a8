/** What the store needs of a client. */
export interface RedisConnection {
  /** The client, for messages. */
  readonly client: string
  /** Whether sessions are spread over several servers: one may be down while others answer. */
  readonly isCluster: boolean
  /** Whether calls that begin in one turn of the event loop may go to the server as one command. */
  readonly joinsCalls: boolean
  /** What the client puts before every key by itself. */
  readonly keyPrefix: string
  /** Whether a command would be sent now, and not wait in the client until it is connected. */
  isReady (): boolean
  /** What to do when the client is not going to connect by itself; null when it is. */
  obstacle (): string | null
  /** Runs a command of this key, on the primary that has it. */
  run (key: string, command: string[]): Promise<unknown>
  /**
   * The same, and `WAIT` behind it on the same connection: if that breaks in between, both are
   * rejected. Returns both answers. Left out: the client cannot do it.
   */
  runAndWait?: (key: string, command: string[], wait: string[]) => Promise<[unknown, unknown]>
  /** Returns every primary. */
  servers (): Promise<RunOnServer[]>
  /**
   * Makes a connection of its own that hears which keys change. It is not made anew when it breaks.
   * Left out: the client cannot do it.
   */
  listen?: (listening: Listening) => Promise<Listener>
}

/** Runs one command on one server. */
export type RunOnServer = (command: string[]) => Promise<unknown>

export interface Listening {
  /** Of the keys whose changes are told. */
  readonly prefix: string
  readonly channels: readonly string[]
  readonly heard: (channel: string, message: unknown) => void
  /** The connection is gone. */
  readonly lost: () => void
}

export interface Listener {
  close (): void
}

/** The command that makes the server tell a connection, by its id, of all changes. */
export function tracking (id: unknown, prefix: string): string[] {
  return ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', 'PREFIX', prefix]
}
