/**
 * Connections that doors gave to this gateway, and whose they are. Doors are not believed everything: an address that would
 * count as this machine's own is none.
 */
import type { Socket } from 'node:net'
import { isLoopback } from '../config/schema/units.ts'
import { canonicalAddress } from '../services/address.ts'
import type { Preamble } from './server/preamble.ts'

/** Of a client whose address is not known: no machine has it, and no range of addresses means it. [RFC 1122 §3.2.1.3] */
export const UNKNOWN_ADDRESS = '0.0.0.0'

interface Given {
  readonly socket: Socket
  readonly address: string
}

export class GivenConnections implements Preamble {
  /** By both ends of the connection: a TLS socket does not say on which one it lies. */
  readonly #given = new Map<string, Given>()

  /** Remembers whose connection it is for as long as it lasts. */
  add(socket: Socket, source: string | undefined): void {
    const ends = endsOf(socket)
    const given = { socket, address: believable(source) }
    this.#given.set(ends, given)
    socket.once('close', () => {
      // The same ends may belong to the next connection by now.
      if (this.#given.get(ends) === given) this.#given.delete(ends)
    })
  }

  addressOf(socket: Socket): string {
    return this.#given.get(endsOf(socket))?.address ?? UNKNOWN_ADDRESS
  }

  /** The door has said it before. */
  read(_socket: Socket, goOn: () => void): void {
    goOn()
  }
}

function believable(source: string | undefined): string {
  const address = source === undefined ? undefined : canonicalAddress(source)
  return address === undefined || isLoopback(address) || address === '::' || address.startsWith('0.')
    ? UNKNOWN_ADDRESS
    : address
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
