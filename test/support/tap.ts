/**
 * A TCP relay between the gateway and a broker (or a client and the gateway) that records both directions and can
 * misbehave: swallow, reset, slice, delay. On loopback, port 0.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { until } from './until.ts'

const RECORDED_BYTES_MAX = 64 * 1024 * 1024

export interface TapBehaviour {
  /** Forwards at most so many bytes at once, each in a packet of its own. */
  sliceBytes?: number
  /** Waits so long before forwarding, in both directions. */
  delayMs?: number
  /** `false`: passes on without keeping; for runs that take long. */
  readonly records?: boolean
}

/** One connection through the tap. */
export class TapConnection {
  readonly client: Socket
  readonly target: Socket
  readonly #chunks = { fromClient: [] as Buffer[], fromTarget: [] as Buffer[] }
  readonly #behaviour: TapBehaviour
  #recordedBytes = 0
  #swallows = false

  constructor(client: Socket, target: Socket, behaviour: TapBehaviour) {
    this.client = client
    this.target = target
    this.#behaviour = behaviour
    this.#relay(client, target, this.#chunks.fromClient)
    this.#relay(target, client, this.#chunks.fromTarget)
  }

  get fromClient(): Buffer {
    return Buffer.concat(this.#chunks.fromClient)
  }

  get fromTarget(): Buffer {
    return Buffer.concat(this.#chunks.fromTarget)
  }

  get isOpen(): boolean {
    return !this.client.destroyed && !this.target.destroyed
  }

  /** From now on nothing passes and nothing is closed: what a cable that was pulled looks like. */
  blackhole(): void {
    this.#swallows = true
    this.client.pause()
    this.target.pause()
  }

  /** Ends a blackhole. */
  heal(): void {
    this.#swallows = false
    this.client.resume()
    this.target.resume()
  }

  /** Both ends see a TCP reset. */
  reset(): void {
    this.client.resetAndDestroy()
    this.target.resetAndDestroy()
  }

  /** Injects bytes as if the target had sent them. */
  toClient(bytes: Buffer): void {
    this.client.write(bytes)
  }

  #relay(from: Socket, to: Socket, record: Buffer[]): void {
    from.setNoDelay(true)
    let last = Promise.resolve()
    from.on('data', (chunk: Buffer) => {
      if (this.#swallows) return
      this.#recordedBytes += chunk.length
      if (this.#behaviour.records !== false && this.#recordedBytes <= RECORDED_BYTES_MAX) record.push(chunk)
      last = last.then(() => this.#forward(chunk, from, to))
    })
    from.on('end', () => void last.then(() => to.end()))
    from.on('error', () => void last.then(() => to.destroy()))
    from.on('close', () => void last.then(() => to.destroy()))
  }

  async #forward(chunk: Buffer, from: Socket, to: Socket): Promise<void> {
    const { sliceBytes = chunk.length, delayMs = 0 } = this.#behaviour
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
    for (let at = 0; at < chunk.length && to.writable; at += sliceBytes) {
      const drained = to.write(chunk.subarray(at, at + sliceBytes))
      if (sliceBytes < chunk.length) await new Promise((resolve) => setImmediate(resolve))
      if (!drained) await this.#drain(from, to)
    }
  }

  async #drain(from: Socket, to: Socket): Promise<void> {
    from.pause()
    await new Promise<void>((resolve) => {
      to.once('drain', resolve)
      to.once('close', resolve)
    })
    if (!this.#swallows) from.resume()
  }
}

export class Tap {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly connections: TapConnection[] = []
  /** Read for every chunk: may be changed at any time. */
  readonly behaviour: TapBehaviour
  readonly #server: Server

  constructor(server: Server, behaviour: TapBehaviour) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.behaviour = behaviour
  }

  get url(): string {
    return `amqp://${this.host}:${this.port}`
  }

  /** The n-th connection, from 0, as soon as it is there. */
  async connection(index = 0): Promise<TapConnection> {
    return until(() => this.connections[index], `connection ${index} through the tap`)
  }

  /** Stops listening at once: new connections are refused, existing ones go on. */
  refuse(): void {
    if (this.#server.listening) this.#server.close()
  }

  async close(): Promise<void> {
    for (const { client, target } of this.connections) {
      client.destroy()
      target.destroy()
    }
    this.refuse()
    for (const { client, target } of this.connections) {
      if (!client.closed) await once(client, 'close')
      if (!target.closed) await once(target, 'close')
    }
  }
}

/** Starts a tap in front of a target. */
export async function startTap(target: { host: string; port: number }, behaviour: TapBehaviour = {}): Promise<Tap> {
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const tap = new Tap(server, behaviour)
  server.on('connection', (client) => {
    const onward = connect({ host: target.host, port: target.port, allowHalfOpen: true })
    tap.connections.push(new TapConnection(client, onward, behaviour))
  })
  return tap
}
