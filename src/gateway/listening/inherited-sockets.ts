/**
 * Listening sockets that this process got from the one that started it, as systemd's socket units hand them over: they take
 * connections before it is there and after it is gone. Each is known by the address that it is bound to.
 */
import { lookup } from 'node:dns/promises'
import { isIP, Socket } from 'node:net'
import { ConfigError } from '../../config/reading/problems.ts'

/** A socket by its number in this process. */
export interface InheritedSocket {
  readonly fd: number
  /** Whatever its giver calls it; for messages. */
  readonly name: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Sockets are numbered from here on. [sd_listen_fds(3)] */
const FIRST_FD = 3
const MOST = 64

/**
 * The sockets that `LISTEN_FDS` and `LISTEN_FDNAMES` speak of, where `LISTEN_PID` says that this process is meant.
 *
 * @throws {ConfigError} for a number that is none
 */
export function inheritedSockets(env: Environment, pid: number): readonly InheritedSocket[] {
  if (env['LISTEN_PID'] !== String(pid)) return []
  const count = Number(env['LISTEN_FDS'])
  if (!/^\d{1,3}$/.test(env['LISTEN_FDS'] ?? '') || count > MOST)
    throw refusal(`expected the number of inherited sockets in LISTEN_FDS, at most ${MOST}`)
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':')
  return Array.from({ length: count }, (_, index) => ({
    fd: FIRST_FD + index,
    name: names[index] || `socket ${index + 1}`,
  }))
}

interface Bound {
  readonly name: string
  readonly host: string
  readonly port: number
  /** A server listens with it as it is. */
  readonly socket: Socket
}

export class InheritedSockets {
  readonly #left: Bound[]
  /** Whether there were any. */
  readonly any: boolean

  /** @throws {ConfigError} for one that is no TCP socket with an address */
  constructor(sockets: readonly InheritedSocket[]) {
    this.#left = sockets.map(bound)
    this.any = sockets.length > 0
  }

  /** The one that is bound to this address, which is the caller's from now on; undefined where there is none. */
  async take({ host, port }: { readonly host: string; readonly port: number }): Promise<Socket | undefined> {
    if (this.#left.length === 0) return undefined
    const address = isIP(host) === 0 ? (await lookup(host)).address : host
    const at = this.#left.findIndex((one) => one.host === address && one.port === port)
    const [taken] = at === -1 ? [] : this.#left.splice(at, 1)
    return taken?.socket
  }

  /** @throws {ConfigError} where one is left: what connects to it would wait for ever */
  assertTaken(): void {
    const [first] = this.#left
    if (first === undefined) return
    const { name, host, port } = first
    throw refusal(
      `the inherited socket "${name}" is bound to ${host} port ${port}, which is no entry here: add one, or take it out of the socket unit`,
    )
  }

  close(): void {
    for (const { socket } of this.#left.splice(0)) socket.destroy()
  }
}

function refusal(message: string): ConfigError {
  return new ConfigError([{ path: 'listen', message }])
}

/** Asks the system where a socket is bound. */
function bound({ fd, name }: InheritedSocket): Bound {
  try {
    const socket = new Socket({ fd, readable: false, writable: false })
    const { localAddress: host, localPort: port } = socket
    if (host !== undefined && port !== undefined) return { name, host, port, socket }
  } catch {
    // Closed, or no socket.
  }
  throw refusal(`the inherited socket "${name}" (descriptor ${fd}) is no TCP socket`)
}
