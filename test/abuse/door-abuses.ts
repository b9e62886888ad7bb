/** What can be done to a gateway before a session is open: at the listener, the upgrade, the login and the handshake. */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { BINARY, Flooder, type Target, TEXT, webSocketFrame } from '../support/flooder.ts'
import { type Abuse, type AbuseTarget, again } from './abuse.ts'

/** More than one address may have unfinished handshakes, so that the gateway's bound per address is not the only one. */
const ADDRESSES = 8
const SLOW_SOCKETS = 240
const HALF_OPEN_PER_ADDRESS = 250
const LOGINS_AT_ONCE = 64
const DRIP_MS = 250
const UNFINISHED_TLS = 600
const PIPELINING_SOCKETS = 40
/** Of each of them, in one go. */
const PIPELINED = Buffer.from('GET /nope HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(24_000))

export const DOOR_ABUSES: Readonly<Record<string, Abuse>> = {
  'slow headers': {
    does: `${SLOW_SOCKETS} sockets send a head byte by byte, ${SLOW_SOCKETS} the AMQP header, and come back when cut`,
    run: (target, untilMs) => again(2 * SLOW_SOCKETS, untilMs, (id) => slowHeader(target, untilMs, id)),
  },
  'half-open handshakes': {
    does: `${HALF_OPEN_PER_ADDRESS} from each of ${ADDRESSES} addresses: silent, silent after the 101, after the header`,
    run: (target, untilMs) => again(ADDRESSES * HALF_OPEN_PER_ADDRESS, untilMs, (id) => halfOpen(target, untilMs, id)),
  },
  'unfinished TLS handshakes': {
    does: `${UNFINISHED_TLS} sockets send nothing or half a ClientHello to a TLS listener, and come back when cut`,
    run: (target, untilMs) => again(UNFINISHED_TLS, untilMs, (id) => unfinishedTls(target, untilMs, id)),
  },
  'pipelined requests': {
    does: `${PIPELINING_SOCKETS} sockets send 24,000 requests each in one go, read no answer, and come back when cut`,
    run: (target, untilMs) => again(PIPELINING_SOCKETS, untilMs, (id) => pipelined(target, untilMs, id)),
  },
  'login storm': {
    does: `${LOGINS_AT_ONCE} logins at once, every one with another wrong name and password`,
    run: (target, untilMs) => again(LOGINS_AT_ONCE, untilMs, () => wrongLogin(target)),
  },
  'text and huge messages': {
    does: 'text, a length of 2^40, 70 KiB before the session is open, 18 MiB after, in turn',
    run: (target, untilMs) => again(8, untilMs, (id) => unwelcome(target, untilMs, id)),
  },
}

async function slowHeader(target: Target, untilMs: number, id: number): Promise<void> {
  const flooder = new Flooder(target, address(id))
  const drips =
    id % 2 === 0
      ? [...'GET /amqp HTTP/1.1\r\nHost: gateway\r\nX-Slow: '.padEnd(4000, 'x')]
      : [...PROTOCOL_HEADER].map((byte) => webSocketFrame(BINARY, Buffer.from([byte])))
  if (id % 2 === 1) await flooder.upgrade(target)
  for (const drip of drips.slice(0, -1)) {
    if (!flooder.isOpen || performance.now() > untilMs) break
    flooder.socket.write(drip)
    await pause(DRIP_MS)
  }
  await flooder.ended(untilMs)
  flooder.destroy()
}

async function halfOpen(target: Target, untilMs: number, id: number): Promise<void> {
  const flooder = new Flooder(target, address(id))
  if (id % 3 > 0) await flooder.upgrade(target)
  if (id % 3 > 1) flooder.amqp(Buffer.from(PROTOCOL_HEADER))
  await flooder.ended(untilMs)
  flooder.destroy()
}

/** The beginning of a record with a ClientHello of 508 bytes. [RFC 8446 §4.1.2] */
const HALF_HELLO = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(100)])

async function unfinishedTls(target: AbuseTarget, untilMs: number, id: number): Promise<void> {
  const flooder = new Flooder({ ...target, url: target.secureUrl }, address(id))
  if (id % 2 === 1) flooder.socket.write(HALF_HELLO)
  await flooder.ended(untilMs)
  flooder.destroy()
}

async function pipelined(target: Target, untilMs: number, id: number): Promise<void> {
  const flooder = new Flooder(target, address(id))
  flooder.socket.pause()
  flooder.socket.write(PIPELINED)
  // Nothing is read, so only what is written tells that the other end is gone.
  const probe = setInterval(() => flooder.socket.write('x'), DRIP_MS)
  await flooder.ended(untilMs).finally(() => clearInterval(probe))
  flooder.destroy()
}

async function wrongLogin(target: Target): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${randomBytes(6).toString('hex')}:wrong`).toString('base64')}`
  const flooder = new Flooder(target)
  await flooder.upgrade({ ...target, authorization }).finally(() => flooder.destroy())
}

const HUGE = webSocketFrame(BINARY, Buffer.alloc(18 * 1024 * 1024))
const ENDLESS = Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])

async function unwelcome(target: Target, untilMs: number, id: number): Promise<void> {
  const wantsSession = id % 4 === 3
  const flooder = wantsSession ? await Flooder.session(target) : new Flooder(target)
  if (!wantsSession) await flooder.upgrade(target)
  const kinds = [
    webSocketFrame(TEXT, Buffer.from('hello')),
    ENDLESS,
    webSocketFrame(BINARY, Buffer.alloc(70 * 1024)),
    HUGE,
  ]
  flooder.socket.write(kinds[id % 4] as Buffer)
  await flooder.ended(Math.min(untilMs, performance.now() + 5000))
  flooder.destroy()
}

/** One of several addresses of the loopback network. */
function address(id: number): string {
  return `127.0.0.${2 + (id % ADDRESSES)}`
}
