/** What may stand before HTTP and TLS on a connection, and says whose it is. */
import type { Socket } from 'node:net'
import type { DropCause } from './drops.ts'

export interface Preamble {
  /** Reads it off the socket. Calls back once, with either function, unless the socket goes before. */
  read(socket: Socket, goOn: () => void, drop: (cause: DropCause, detail: string) => void): void
  /** Whose connection it is by that, TLS on it or not; undefined where nothing says so. */
  addressOf(socket: Socket): string | undefined
}
