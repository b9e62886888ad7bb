/**
 * Connections that proxies pass on below HTTP and TLS, each with a PROXY protocol header before everything else. Only
 * trusted proxies may connect at all: a header from anybody else would be a client that chooses its own address.
 */
import type { Socket } from 'node:net'
import type { AddressRanges } from '../../../auth/index.ts'
import { canonicalAddress } from '../../services/address.ts'
import type { DropCause } from '../server/drops.ts'
import type { Preamble } from '../server/preamble.ts'
import { type ProxyHeader, readProxyHeader } from './header.ts'

/** The proxies that may connect; undefined where there are none, and clients connect themselves. */
type Proxies = Pick<AddressRanges, 'contain'> | undefined

const ABANDONED = 'the connection ended before its PROXY protocol header'

interface Announced {
  readonly socket: Socket
  readonly source: string
}

export class ProxiedConnections implements Preamble {
  readonly #headerMs: number
  #proxies: Proxies
  /** By both ends of the connection: a TLS socket does not say on which one it lies. */
  readonly #announced = new Map<string, Announced>()

  /** @param headerMs from the connection to the end of the header */
  constructor(proxies: Proxies, headerMs: number) {
    this.#proxies = proxies
    this.#headerMs = headerMs
  }

  /** Those that connect from now on. */
  follow(proxies: Proxies): void {
    this.#proxies = proxies
  }

  /** The address that a proxy has announced for this connection, in canonical form. */
  addressOf(socket: Socket): string | undefined {
    return this.#announced.size === 0 ? undefined : this.#announced.get(endsOf(socket))?.source
  }

  read(socket: Socket, goOn: () => void, drop: (cause: DropCause, detail: string) => void): void {
    if (this.#proxies === undefined) return goOn()
    const peer = canonicalAddress(socket.remoteAddress ?? '')
    // Checks that reset the connection at once leave no address behind.
    if (peer === undefined) return drop('proxy-abandoned', ABANDONED)
    if (!this.#proxies.contain(peer))
      return drop('proxy-untrusted', 'only trustedProxies may connect to a listener with proxyProtocol')
    let held: Buffer | undefined
    const timer = setTimeout(() => {
      finish()
      drop('proxy-timeout', 'expected the whole PROXY protocol header sooner')
    }, this.#headerMs)
    const finish = (): void => {
      clearTimeout(timer)
      socket.off('readable', look).off('end', abandoned).off('close', finish)
    }
    const abandoned = (): void => {
      finish()
      drop('proxy-abandoned', ABANDONED)
    }
    const look = (): void => {
      const more = socket.read() as Buffer | null
      if (more === null) return
      held = held === undefined ? more : Buffer.concat([held, more])
      const header = readProxyHeader(held)
      if (header === 'incomplete') return
      finish()
      if ('problem' in header) return drop('proxy-header', header.problem)
      this.#announce(socket, header, peer)
      if (held.length > header.byteCount) socket.unshift(held.subarray(header.byteCount))
      goOn()
    }
    socket.on('error', () => {})
    socket.once('close', finish).once('end', abandoned).on('readable', look)
  }

  #announce(socket: Socket, { source }: Exclude<ProxyHeader, string | { problem: string }>, peer: string): void {
    const ends = endsOf(socket)
    const announced = { socket, source: (source && canonicalAddress(source)) ?? peer }
    this.#announced.set(ends, announced)
    socket.once('close', () => {
      // The same ends may belong to the next connection by now.
      if (this.#announced.get(ends) === announced) this.#announced.delete(ends)
    })
  }
}

function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
