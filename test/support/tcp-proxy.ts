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
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #isHeld = false

  private constructor (private readonly target: number) {
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

  /** Breaks all connections. */
  cut (): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
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
    for (const [from, to, pass] of [[client, server, 'onRequest'], [server, client, 'onAnswer']] as const) {
      from.on('error', () => {})
      from.on('data', (bytes: Buffer) => { if (this[pass](bytes)) to.write(bytes) })
      from.on('close', () => {
        to.destroy()
        this.#pairs.delete(pair)
      })
      if (this.#isHeld) from.pause()
    }
  }
}
