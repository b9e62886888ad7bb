/** Reads a client's first message off its socket, within a bound and a deadline, and leaves the socket as it found it. */
import type { Socket } from 'node:net'
import { MOST_HELLO_BYTES, readHello } from './client-hello.ts'

/** From the connection to the end of the hello. */
const HELLO_MS = 10_000

export interface HelloEvents {
  /** The bytes are all that has come; the socket is not being read any more. */
  read(bytes: Buffer, serverName: string | undefined): void
  failed(cause: 'not-tls' | 'hello-late', detail: string): void
  /** The client went before. */
  left(): void
}

/** Calls back once. */
export function readClientHello(socket: Socket, events: HelloEvents, helloMs = HELLO_MS): void {
  const held: Buffer[] = []
  let heldBytes = 0
  /** Looking at each byte as it arrives would cost the square of them. */
  let wantedBytes = 1
  const timer = setTimeout(() => {
    finish()
    events.failed('hello-late', 'expected the first message of TLS sooner')
  }, helloMs)
  const finish = (): void => {
    clearTimeout(timer)
    socket.off('readable', look).off('end', left).off('close', left)
  }
  const left = (): void => {
    finish()
    events.left()
  }
  const look = (): void => {
    const more = socket.read() as Buffer | null
    if (more === null) return
    held.push(more)
    heldBytes += more.length
    if (heldBytes < Math.min(wantedBytes, MOST_HELLO_BYTES)) return
    const all = held.length === 1 ? more : Buffer.concat(held)
    const hello = readHello(all)
    if (hello !== 'not-tls' && 'missingBytes' in hello) {
      wantedBytes = heldBytes + hello.missingBytes
      if (heldBytes < MOST_HELLO_BYTES) return
      finish()
      return events.failed('not-tls', `expected at most ${MOST_HELLO_BYTES} bytes of hello`)
    }
    finish()
    if (hello === 'not-tls') return events.failed('not-tls', 'expected TLS: the client has to use wss or https')
    events.read(all, hello.serverName)
  }
  socket.on('readable', look).once('end', left).once('close', left)
}
