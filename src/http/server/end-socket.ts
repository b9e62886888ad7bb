/**
 * The one way in which a listener ends a socket. A polite end waits for the peer: for the answer to be read, for its own
 * end, over TLS even for a handshake that never comes. So every end has a deadline, and then the socket is destroyed.
 */
import type { Duplex } from 'node:stream'

/** How long a client may take to read the last answer before its socket is destroyed. */
const LINGER_MS = 2_000

/** Sends what is left to be sent, and `last` behind it, and ends; the socket is gone after the deadline whatever the peer does. */
export function endSocket(socket: Duplex, last = '', lingerMs = LINGER_MS): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
  // What the client still sends is read and dropped: unread bytes would turn our answer into a reset.
  socket.resume()
  socket.end(last)
}
