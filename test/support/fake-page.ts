/**
 * A page for `browser/gatehouse.ts`: a clock, an HTTP and a WebSocket that a test moves, and a session that connects again by
 * itself as `AMQPSession` does.
 */
import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type { GateHooks } from '../../browser/gatehouse.ts'

export const SERVICE_URL = 'wss://gate.example.com/amqp'

const OPEN_OK = new Uint8Array([1, 0, 0, 0, 0, 0, 5, 0, 10, 0, 41, 0, 206]).buffer
const START = new Uint8Array([1, 0, 0, 0, 0, 0, 5, 0, 10, 0, 10, 0, 206]).buffer

/** A WebSocket that a test opens and closes. */
export class PageSocket extends EventTarget {
  readonly url: string
  readonly sent: Uint8Array[] = []
  isClosed = false

  constructor(url: string | URL) {
    super()
    this.url = `${url}`
    FakePage.current.sockets.push(this)
  }

  send(bytes: Uint8Array): void {
    this.sent.push(bytes)
  }

  close(): void {
    this.end(1005)
  }

  say(data: ArrayBuffer): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }))
  }

  end(code: number, reason = ''): void {
    if (this.isClosed) return
    this.isClosed = true
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }))
  }
}

/** It connects again until it is stopped. */
export class PageSession {
  readonly #url: string
  readonly #hooks: GateHooks
  isStopped = false
  connects = 0

  constructor(url: string, hooks: GateHooks) {
    this.#url = url
    this.#hooks = hooks
  }

  static async connect(url: string, hooks: GateHooks): Promise<PageSession> {
    const session = new PageSession(url, hooks)
    await session.#once()
    return session
  }

  /** Rejects as clients do when theirs is refused: before the close code is there. */
  async #once(): Promise<void> {
    await this.#hooks.beforeConnect()
    const socket = new WebSocket(this.#url) as unknown as PageSocket
    socket.say(START)
    const refusal = FakePage.current.refusals.shift()
    if (refusal !== undefined) {
      queueMicrotask(() => socket.end(...refusal))
      throw new Error('refused in AMQP')
    }
    socket.say(OPEN_OK)
    this.connects++
    socket.addEventListener('close', () => void this.#again())
  }

  async #again(): Promise<void> {
    while (!this.isStopped) {
      try {
        await this.#once()
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, this.#hooks.maxReconnectInterval))
      }
    }
  }

  async stop(): Promise<void> {
    this.isStopped = true
  }
}

export interface PageRequest {
  readonly method: string
  /** Without the host. */
  readonly url: string
  readonly authorization: string | undefined
}

export type PageAnswer =
  | {
      readonly status: number
      readonly body?: object
      readonly retryAfter?: number
      /** In the place of the body: HTML. */
      readonly page?: string
    }
  | Error

export class FakePage {
  static current = new FakePage()
  readonly sockets: PageSocket[] = []
  readonly asked: PageRequest[] = []
  /** For the next requests, in place of the usual answer. */
  readonly answers: PageAnswer[] = []
  /** In band, for the next connections: a close code and its text. */
  readonly refusals: [number, string][] = []
  /** Answers wait for it. */
  network: Promise<void> | undefined
  readonly location = { href: 'https://app.example.com/orders?day=1', pathname: '/orders', search: '?day=1' }
  #tickets = 0

  /** The usual answer: who one is, until when, with a ticket where one was asked for. */
  usual = (url: string): PageAnswer => ({ status: 200, body: this.identity(url) })

  identity(url: string, expiresInMs?: number) {
    return {
      subject: 'joe.smith',
      issuer: 'staff',
      roles: [],
      word: 'joe%2Esmith',
      expiresAt: expiresInMs === undefined ? null : new Date(Date.now() + expiresInMs).toISOString(),
      ...(url.includes('/ticket') && { ticket: `T${++this.#tickets}` }),
    }
  }

  /** What the gateway knows ends after so long. */
  endsAfter(ms: number): void {
    this.usual = (url) => ({ status: 200, body: this.identity(url, ms) })
  }

  /** A page as it is after loading, and its clock. `close` afterwards. */
  static open(): FakePage {
    const page = new FakePage()
    FakePage.current = page
    mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    mock.method(Math, 'random', () => 0.5)
    mock.method(globalThis, 'fetch', (url: string, init: RequestInit) => page.#answer(url, init))
    Object.assign(globalThis, { WebSocket: PageSocket, location: page.location })
    return page
  }

  close(): void {
    mock.timers.reset()
    mock.restoreAll()
  }

  async #answer(address: string, { method = 'GET', headers = {} }: RequestInit): Promise<Response> {
    const url = address.replace('https://gate.example.com', '')
    const { authorization } = headers as Record<string, string>
    this.asked.push({ method, url, authorization })
    await this.network
    const answer = this.answers.shift() ?? this.usual(url)
    if (answer instanceof Error) throw answer
    const { status, body = {}, retryAfter, page = JSON.stringify(body) } = answer
    return new Response(page, {
      status,
      headers: { ...(retryAfter !== undefined && { 'retry-after': `${retryAfter}` }) },
    })
  }

  /** Everything happens that waits for no time; then time passes, and what waited for it happens. */
  async pass(ms: number): Promise<void> {
    await settle()
    mock.timers.tick(ms)
    await settle()
  }

  get socket(): PageSocket {
    return this.sockets.at(-1) ?? assert.fail('no WebSocket was opened')
  }

  /** `POST /auth/ticket` and so on. */
  get routes(): readonly string[] {
    return this.asked.map(({ method, url }) => `${method} ${url.replace('?service=/amqp', '')}`)
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}
