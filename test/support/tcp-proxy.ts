import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A TCP proxy on the way to a server: a test cuts its connections, holds bytes back, or drops answers. */
export class TcpProxy {
  /** Connections are refused while this is true. */
  refuses = false
  /** Called with what a client sends, before it goes on. Return false to drop it. */
  onRequest: (bytes: Buffer) => boolean = () => true
  /** Called with what the server answers, before it goes on. Return false to drop it. */
  onAnswer: (bytes: Buffer) => boolean = () => true
  /** The next connection that sends these bytes is cut: before they go on, or when the server answers. */
  #trap: { readonly bytes: string, readonly when: 'before' | 'after', readonly sprung: () => void } | null = null
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #isHeld = false

  private constructor (private target: number) {
    this.#server = createServer(client => { this.#join(client) })
  }

  /** Starts one in front of this port of this machine. */
  static async start (target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port (): number {
    return (this.#server.address() as AddressInfo).port
  }

  /**
   * Cuts the next connection that sends these bytes: before they go on, or when the server has
   * answered, and without the answer. Resolves when that has happened.
   */
  async cutAt (bytes: string, when: 'before' | 'after'): Promise<void> {
    await new Promise<void>(resolve => { this.#trap = { bytes, when, sprung: resolve } })
  }

  /** Leads to another port of this machine from now on, as an address that a failover moves. The connections break. */
  lead (target: number): void {
    this.target = target
    this.cut()
  }

  /** Breaks all connections. */
  cut (): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
  }

  /** Breaks all connections so that clients have an error, and not an end. */
  reset (): void {
    for (const [client] of this.#pairs) client.resetAndDestroy()
  }

  /** From now on nothing passes in either direction, and no connection breaks: a network that hangs. */
  hold (): void {
    this.#isHeld = true
    for (const pair of this.#pairs) for (const socket of pair) socket.pause()
  }

  /** Lets pass what was held. */
  release (): void {
    this.#isHeld = false
    for (const pair of this.#pairs) for (const socket of pair) socket.resume()
  }

  async stop (): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join (client: Socket): void {
    if (this.refuses) {
      client.destroy()
      return
    }
    const server = connect(this.target, '127.0.0.1')
    const pair = [client, server] as const
    this.#pairs.add(pair)
    let isDoomed = false
    let sprung = (): void => {}
    const end = (): void => {
      client.destroy()
      server.destroy()
      this.#pairs.delete(pair)
    }
    for (const socket of pair) {
      socket.on('error', () => {})
      socket.on('close', end)
      if (this.#isHeld) socket.pause()
    }
    client.on('data', (bytes: Buffer) => {
      const trap = this.#trap
      if (trap?.bytes !== undefined && bytes.includes(trap.bytes)) {
        this.#trap = null
        isDoomed = true
        sprung = trap.sprung
        if (trap.when === 'before') {
          end()
          sprung()
          return
        }
      }
      if (this.onRequest(bytes)) server.write(bytes)
    })
    server.on('data', (bytes: Buffer) => {
      if (isDoomed) {
        end()
        sprung()
      } else if (this.onAnswer(bytes)) {
        client.write(bytes)
      }
    })
  }
}
