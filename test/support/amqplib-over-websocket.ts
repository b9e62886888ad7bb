/**
 * amqplib, unmodified, over a WebSocket. amqplib only dials TCP by itself, so its connection is built on the WebSocket's
 * stream by the same classes that its own `connect` uses.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { ChannelModel } from 'amqplib'
import { type ClientOptions, createWebSocketStream, WebSocket } from 'ws'
import { within } from './until.ts'

interface RawConnection {
  open(fields: object, opened: (error: Error | null) => void): void
}
interface Credentials {
  plain(username: string, password: string): { readonly mechanism: string; response(): Buffer }
}

const requireFrom = createRequire(import.meta.url)
const library = join(dirname(requireFrom.resolve('amqplib')), 'lib')
const { Connection } = requireFrom(join(library, 'connection.js')) as {
  Connection: new (stream: Duplex) => RawConnection
}
const { ChannelModel: Model } = requireFrom(join(library, 'channel_model.js')) as {
  ChannelModel: new (connection: RawConnection) => ChannelModel
}
const credentials = requireFrom(join(library, 'credentials.js')) as Credentials

export interface AmqplibOptions {
  /** The upgrade's options: `headers`, `origin`, `ca`, `cert`, `key`, … */
  readonly websocket?: ClientOptions
  readonly subprotocols?: readonly string[]
  /** What the client claims in start-ok; a gateway must not care. */
  readonly username?: string
  readonly password?: string
  readonly vhost?: string
  readonly frameMax?: number
  readonly channelMax?: number
  readonly heartbeatSeconds?: number
  readonly clientProperties?: Readonly<Record<string, unknown>>
  readonly deadlineMs?: number
}

/** How the WebSocket ended. */
export interface WebSocketClose {
  readonly code: number
  readonly reason: string
}

export interface AmqplibConnection {
  /** amqplib's own connection: `createChannel`, `close`, … Its `error` events are kept in `errors`. */
  readonly connection: ChannelModel
  readonly errors: Error[]
  readonly socket: WebSocket
  readonly closed: Promise<WebSocketClose>
}

/** The gateway answered the upgrade by an HTTP status. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused'
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string

  constructor(status: number, headers: Readonly<Record<string, string | string[] | undefined>>, body: string) {
    super(`upgrade refused: ${status} ${body}`)
    this.status = status
    this.headers = headers
    this.body = body
  }
}

/** The upgrade was accepted, the AMQP handshake was not: amqplib's message, and how the WebSocket was closed. */
export class HandshakeRefused extends Error {
  override readonly name = 'HandshakeRefused'
  /** Undefined when the WebSocket was not closed within five seconds. */
  readonly close: WebSocketClose | undefined

  constructor(message: string, options: ErrorOptions & { readonly close: WebSocketClose | undefined }) {
    super(message, options)
    this.close = options.close
  }
}

/** Opens a WebSocket. @throws UpgradeRefused when an HTTP status comes instead, the socket's own error otherwise. */
export async function openWebSocket(
  url: string,
  options: Pick<AmqplibOptions, 'websocket' | 'subprotocols' | 'deadlineMs'> = {},
): Promise<WebSocket> {
  const socket = new WebSocket(url, [...(options.subprotocols ?? [])], options.websocket)
  const opened = new Promise<WebSocket>((resolve, reject) => {
    socket.once('open', () => resolve(socket))
    socket.once('error', reject)
    socket.once('unexpected-response', (request, response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('close', () => {
        request.destroy()
        reject(new UpgradeRefused(response.statusCode ?? 0, response.headers, body))
      })
    })
  })
  try {
    return await within(opened, `upgrade of ${url}`, options.deadlineMs)
  } catch (error) {
    socket.on('error', () => undefined)
    socket.terminate()
    throw error
  }
}

/** Connects amqplib through a WebSocket. @throws UpgradeRefused or HandshakeRefused. */
export async function connectAmqplib(url: string, options: AmqplibOptions = {}): Promise<AmqplibConnection> {
  const socket = await openWebSocket(url, options)
  const closed = new Promise<WebSocketClose>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  const stream = createWebSocketStream(socket)
  stream.on('error', () => undefined)
  dropLateWrites(stream)

  const raw = new Connection(stream)
  const { mechanism, response } = credentials.plain(options.username ?? 'invented', options.password ?? 'credentials')
  const fields = {
    clientProperties: { product: 'amqplib', capabilities: CAPABILITIES, ...options.clientProperties },
    mechanism,
    response: response(),
    locale: 'en_US',
    channelMax: options.channelMax ?? 0,
    frameMax: options.frameMax ?? 131_072,
    heartbeat: options.heartbeatSeconds ?? null,
    virtualHost: options.vhost ?? '/',
    capabilities: '',
    insist: 0,
  }
  const opened = new Promise<void>((resolve, reject) => {
    raw.open(fields, (error) => (error === null ? resolve() : reject(error)))
  })
  try {
    await within(opened, 'the AMQP handshake', options.deadlineMs)
  } catch (error) {
    // What the WebSocket said belongs to the story: tests read it from the error.
    const close = await within(closed, 'the WebSocket close after a refused handshake', 5_000).catch(() => undefined)
    socket.terminate()
    throw new HandshakeRefused(error instanceof Error ? error.message : String(error), { cause: error, close })
  }
  const connection = new Model(raw)
  const errors: Error[] = []
  connection.on('error', (error) => errors.push(error))
  return { connection, errors, socket, closed }
}

/**
 * amqplib's multiplexer goes on writing what was queued after amqplib has ended the stream. That is an error of the stream,
 * upon which ws drops the socket: the client would report 1006 and never read the close code that is on its way.
 */
function dropLateWrites(stream: Duplex): void {
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean
  stream.write = (...given: unknown[]) => stream.writableEnded || write(...given)
}

const CAPABILITIES = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  'basic.nack': true,
  consumer_cancel_notify: true,
  'connection.blocked': true,
  authentication_failure_close: true,
}
