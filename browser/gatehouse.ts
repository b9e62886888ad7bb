/**
 * The page's side of a gateway: `import { gatehouse } from 'amqp-gatehouse/browser'`. It proves who one is, connects an
 * unmodified AMQP client, renews before the end, and does what close codes say. One file without imports, so that a page
 * without a bundler can serve a copy of it; some 2 KiB when minified.
 *
 * Clients for browsers show nobody their WebSocket, and only its close code says what to do next. So `gatehouse()` puts a
 * subclass in the place of `WebSocket`, which adds tickets to one address and watches it, and leaves all others alone.
 */

export interface GateOptions {
  /**
   * Returns an `Authorization` header: `Bearer TOKEN`, or `basic(user, password)`. Called when one is needed: at first, when
   * the last one was refused or has run out (`again`), and before a token ends. Without it the browser has the proof: the
   * cookie of a login at the gateway or of the application, a certificate, a login proxy.
   */
  readonly credential?: (again: boolean) => string | Promise<string>
  /** Called once when it is over. */
  readonly onstop?: (why: GateStopped) => void
  /** Where the gateway's `/auth/` is, if not at the root of its host. */
  readonly auth?: string
}

export interface GateStopped extends Error {
  /** 4401: somebody has to log in. 4400: somebody logged out. Above, as 4403: this person may not. */
  readonly code: number
}

/** Who one is to the gateway. `word` is the name as permissions write it: `joe%2Esmith`. */
export interface GateIdentity {
  readonly subject: string
  readonly issuer: string
  readonly roles: readonly string[]
  readonly expiresAt: string | null
  readonly word: string | null
}

/** For the options of a session that connects again by itself, such as `AMQPSession` of `@cloudamqp/amqp-client`. */
export interface GateHooks {
  readonly beforeConnect: () => Promise<void>
  /** Next to nothing: `beforeConnect` waits as long as it has to. */
  readonly maxReconnectInterval: number
}

/** The way of one page to one service, with one connection at a time. */
export interface Gate {
  /** As the gateway said at the last `ready`; undefined before. */
  readonly who: GateIdentity | undefined
  /**
   * Resolves when the next connection may be made; before that, the last one has to end. The client has to connect to the very
   * URL of the gate.
   * @throws GateStopped when it is over; any other error passes, and the next call waits a while
   */
  ready(): Promise<void>
  /**
   * Opens a session, and waits where the gateway asks for it. After the end, it begins again.
   * @throws GateStopped when it is over; what `open` failed with
   */
  connect<Session extends Stoppable>(open: (url: string, hooks: GateHooks) => Promise<Session>): Promise<Session>
  /** Leaves the page for a login at the gateway, and returns to it. */
  login(): void
  /** Ends session and login, and forgets the credential. Where one has to go to log out at the provider as well. */
  logout(): Promise<{ readonly endSessionUrl?: string } | undefined>
}

/** `AMQPSession`, for instance. */
export interface Stoppable {
  stop(): Promise<void>
}

/** From `connect` to the end. Whoever still waits in one that has ended finds out, though there is another. */
interface Run {
  why?: Error
}

interface Socket {
  close(): void
  send(bytes: Uint8Array): void
  addEventListener(type: 'message', listener: (event: { readonly data: ArrayBuffer }) => void): void
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void
}

/** The answer of `/auth/ticket`; that of `/auth/whoami` has no ticket, and a refusal nothing but an error. */
interface Answer extends GateIdentity {
  readonly expiresAt: string
  readonly ticket: string
  readonly error: string
}

/** An error of anybody, or a fault. */
interface Failure extends Error {
  readonly code?: number
  /** In which one may try again. */
  readonly seconds?: number | undefined
}

declare let WebSocket: new (url: string | URL, protocols?: string | string[]) => Socket
declare const location: { href: string; readonly pathname: string; readonly search: string }

const utf8 = (text: string) => new TextEncoder().encode(text)

const fault = (text: string | undefined, code: number, seconds?: number) =>
  Object.assign(new Error(text), { code, seconds })

/** For `credential`, where it is a password. */
export const basic = (user: string, password: string): string =>
  `Basic ${btoa(String.fromCharCode(...utf8(`${user}:${password}`)))}`

/** @param url of the service: `wss://gate.example.com/amqp`. Make one gate for it, not one for each connection. */
export function gatehouse(url: string, { credential, onstop, auth = '/auth/' }: GateOptions = {}): Gate {
  const { href, pathname } = new URL(url)
  let authorization = ''
  let who: Answer | undefined
  let socket: Socket | undefined
  let session: Stoppable | undefined
  let run: Run = {}
  /** A proof was refused, and no session has been opened since. */
  let isRenewed: boolean | undefined
  /** The proof is good for nothing more. */
  let isStale: boolean | undefined
  /** The gateway asked for the wait that is due. */
  let isAsked: boolean | undefined
  let failures = 0
  /** The end of the last connection, and of the wait behind it. */
  let due: Promise<void> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  const route = (name: string) => `${new URL(auth + name, href.replace('ws', 'http'))}?service=${pathname}`

  const request = (name: string, method = 'POST') =>
    fetch(route(name), { method, headers: authorization ? { authorization } : {}, credentials: 'include' })

  /** Does what a close code says, or an answer of `/auth/`: its status is 4000 less. Resolves when it is time to go on. */
  const obey = async (why: Failure): Promise<void> => {
    const { code = 0, seconds = 0 } = why
    clearTimeout(timer)
    isAsked = code > 1011
    if (code > 4399 && (code !== 4401 || isRenewed)) {
      if (!run.why) onstop?.(why as GateStopped)
      run.why = why
      // A session says good-bye where it is connected. What it is just opening, it leaves open.
      const last = socket
      const close = () => last?.close()
      if (session) session.stop().then(close, close)
      else close()
    } else {
      if (code === 4401) isRenewed = isStale = true
      // Ever later, up to 64 s; and no two pages at the same moment.
      const spread = code === 1012 ? 5 : 2 ** (failures < 6 ? failures++ : 6)
      await new Promise((resolve) => setTimeout(resolve, 1e3 * (seconds + spread * Math.random())))
    }
  }

  /** Gets a fresh proof from whoever has one. */
  const renew = async (ours: Run): Promise<void> => {
    const proof = await (credential ? credential(!!authorization) : request('refresh'))
    // Not for whoever has logged out in the meantime.
    if (ours.why) return
    if (credential) authorization = proof as string
    isStale = false
  }

  /** Asks who one is, with a ticket where there is something to buy it with; renews when two thirds of the time have passed. */
  const meet = async (): Promise<void> => {
    const answer = await (credential ? request('ticket') : request('whoami', 'GET'))
    const { status } = answer
    const seconds = +(answer.headers.get('retry-after') as string)
    if (!answer.ok) {
      // A login proxy refuses with a page.
      const { error } = (await answer.json().catch(() => answer)) as Partial<Answer>
      throw fault(error, seconds || status > 499 ? 1013 : 4e3 + status, seconds)
    }
    who = (await answer.json()) as Answer
    const leftMs = Date.parse(who.expiresAt) - Date.now()
    clearTimeout(timer)
    // Timers count to 2^31 milliseconds, so in a time of weeks it is renewed earlier.
    if (leftMs > 1e3 && !run.why) timer = setTimeout(renewInTime, (leftMs / 1.5) % 1e9)
  }

  /** A live session goes on with the next token; it ends with the last one where there is no other. */
  const renewInTime = (): void => {
    renew(run)
      .then(() => {
        // connection.update-secret with the token behind "Bearer ", on channel 0. [AMQP §4.2.3]
        const secret = utf8(authorization.slice(7))
        const size = secret.length
        const head = [1, 0, 0, 0, 0, (size + 9) >> 8, size + 9, 0, 10, 0, 70, 0, 0, size >> 8, size]
        if (credential) socket?.send(new Uint8Array([...head, ...secret, 0, 206]))
      })
      .then(meet, meet)
      .catch(() => {})
  }

  const ready = async (): Promise<void> => {
    const ours = run
    for (await due; !ours.why; await due) {
      try {
        if (isStale || (credential && !authorization)) await renew(ours)
        if (!ours.why) await meet()
        break
      } catch (error) {
        if (ours.why) break
        due = obey(error as Error)
        if (!isAsked) throw error
      }
    }
    if (ours.why) throw ours.why
  }

  WebSocket = class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      const isOurs = address === href
      super(isOurs && credential ? `${href}?ticket=${who?.ticket}` : address, protocols)
      if (!isOurs) return
      socket = this
      this.addEventListener('message', ({ data }) => {
        // connection.open-ok is method 41: nothing before it is, and behind it nothing is lost. [AMQP §1.4.2]
        if (new Uint8Array(data)[10] !== 41) return
        isRenewed = false
        failures = 0
      })
      due = new Promise((resolve) =>
        this.addEventListener('close', ({ code, reason }) => resolve(obey(fault(reason, code)))),
      )
    }
  }

  return {
    get who() {
      return who
    },
    ready,
    async connect(open) {
      // Whoever still waits for the last one gives up first.
      await due
      if (run.why) run = {}
      session = undefined
      isRenewed = false
      const ours = run
      for (;;) {
        try {
          const opened = await open(href, { beforeConnect: ready, maxReconnectInterval: 1 })
          session = opened
          return opened
        } catch (error) {
          await due
          if (ours.why || !isAsked) throw ours.why ?? error
        }
      }
    },
    login() {
      location.href = `${route('login')}&returnTo=${encodeURIComponent(location.pathname + location.search)}`
    },
    async logout() {
      void obey(fault('logged out', 4400))
      authorization = ''
      return credential ? undefined : ((await request('logout')).json() as Promise<{ endSessionUrl?: string }>)
    },
  }
}
