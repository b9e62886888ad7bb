/**
 * What a gateway and a door say to each other on one connection, inside mutual TLS 1.3:
 *
 *     door → gateway   0x01 | 16 random bytes     a challenge: at once, every few seconds, and before a client is given
 *     gateway → door   0x02 | the same 16 bytes   its echo, and nothing else
 *     door → gateway   a PROXY protocol header (version 2), which begins with 0x0d, with the client's address
 *
 * Behind that header the connection is the client's: all bytes are its own, either way. One connection serves one client.
 */
import { randomFillSync, timingSafeEqual } from 'node:crypto'

/** What both ask for in their TLS handshakes, so that versions that differ never meet. [RFC 7301] */
export const TUNNEL_PROTOCOL = 'gatehouse-door/1'

const CHALLENGE = 0x01
const ECHO = 0x02
export const MESSAGE_BYTES = 17

/** From one challenge to the next on a connection that waits for a client. */
export const CHALLENGE_MS = 10_000
/** A door that has sent no challenge for so long is dead. */
export const SILENCE_MS = 25_000

export function makeChallenge(): Buffer {
  const message = Buffer.alloc(MESSAGE_BYTES)
  message[0] = CHALLENGE
  return randomFillSync(message, 1)
}

/** The echo of a challenge; `undefined` where the message is none. */
export function echoOf(message: Buffer): Buffer | undefined {
  if (message.length !== MESSAGE_BYTES || message[0] !== CHALLENGE) return undefined
  const echo = Buffer.from(message)
  echo[0] = ECHO
  return echo
}

/** Whether what may follow is a challenge, by its first byte. */
export function beginsChallenge(bytes: Buffer): boolean {
  return bytes[0] === CHALLENGE
}

export function isEchoOf(challenge: Buffer, message: Buffer): boolean {
  return (
    message.length === MESSAGE_BYTES &&
    message[0] === ECHO &&
    timingSafeEqual(message.subarray(1), challenge.subarray(1))
  )
}
