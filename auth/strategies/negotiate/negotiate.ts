/**
 * The authenticator `negotiate`: Kerberos by SPNEGO [RFC 4559], one round, decided by GSSAPI.
 *
 * Anything but a Kerberos ticket is turned away before GSSAPI sees it. A ticket proves somebody once: beside Kerberos' own
 * replay cache there is one here, which needs no file and knows what is under way.
 */
import { createHash } from 'node:crypto'
import type { AuthenticationRequest, Authenticator, Outcome } from '../../authenticator.ts'
import { within } from '../../deadline.ts'
import { AuthenticationRefused, InvalidConfiguration } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import { HashQueue, TooBusy } from '../basic/hash-queue.ts'
import { Recent } from '../basic/recent.ts'
import { checkSubject } from '../claims.ts'
import { authenticatorOf } from '../strategy.ts'
import { type Accept, type Accepted, gssAcceptor } from './gssapi.ts'
import { readNegotiateHeader } from './header.ts'
import { isCompleted, readFirstToken } from './spnego.ts'

export interface NegotiateOptions {
  readonly name: string
  /** The gateway's own service: `HTTP`, `HTTP@host`, or as key tables write it, `HTTP/host@REALM`. */
  readonly service: string
  /** The only realms whose people are believed, compared exactly. */
  readonly realms: readonly string[]
  /** `principal`: `joe@REALM`; `name`: `joe`, for a single realm. */
  readonly subject: 'principal' | 'name'
}

export interface NegotiateSurroundings {
  /** Imports the package `kerberos`; the key table is in the environment by then. */
  readonly load: () => Promise<unknown>
  /** For GSSAPI's whole work on one token, in ms. */
  readonly deadlineMs?: number
  /** Gives ms that never go back. */
  readonly now?: () => number
}

const CARRIER = 'authorization'
const CHALLENGE = 'Negotiate'
const DEADLINE_MS = 4000
/** Twice the clock skew that Kerberos allows: a ticket's authenticator is too old by then. */
const REPLAY_MS = 600_000
const REPLAY_COUNT = 100_000
/** GSSAPI works in Node's pool of four threads; two are left to others. */
const QUEUE = { concurrencyCount: 2, waitingPerLaneCount: 64, maxWaitMs: 3000 }

/** @throws {InvalidConfiguration} where the package or the service's key is not there */
export async function negotiateAuthenticator(
  options: NegotiateOptions,
  { load, deadlineMs = DEADLINE_MS, now }: NegotiateSurroundings,
): Promise<Authenticator> {
  if (options.subject === 'name' && options.realms.length !== 1) {
    throw new InvalidConfiguration([
      { path: ['subject'], message: '`name` drops the realm, so there must be one realm' },
    ])
  }
  const accept = await gssAcceptor(load, serviceName(options.service))
  const once = onceOnly(accept, new Recent(REPLAY_MS, REPLAY_COUNT, now))
  const queue = new HashQueue(QUEUE)
  const description = { name: options.name, type: 'negotiate', challenge: CHALLENGE }
  return authenticatorOf(description, async ({ http }: AuthenticationRequest): Promise<Outcome> => {
    const header = readNegotiateHeader(http)
    if (header.kind === 'absent') return header
    if (header.kind === 'malformed') return refused(header.detail, { malformed: true })
    const first = readFirstToken(header.token)
    if (first.kind === 'unfit') return refused(first.detail, { malformed: true })
    try {
      const work = queue.run('stranger', async () => await once(first.ticket, header.text))
      return outcomeOf(await within(deadlineMs, 'GSSAPI', work), options)
    } catch (error) {
      if (error instanceof TooBusy) return tooBusy()
      throw error
    }
  })
}

/**
 * Accepts a ticket once. The key is the Kerberos token alone, so that another envelope makes no other ticket of it. What
 * GSSAPI refuses is not kept: it would refuse it again, and strangers could fill the cache.
 */
function onceOnly(accept: Accept, seen: Recent): (ticket: Buffer, text: string) => Promise<Accepted> {
  const underWay = new Set<string>()
  return async (ticket, text) => {
    const key = createHash('sha256').update(ticket).digest('base64')
    if (underWay.has(key) || seen.has(key)) return { kind: 'refused', detail: 'the ticket was shown before: a replay' }
    underWay.add(key)
    try {
      const accepted = await accept(text)
      if (accepted.kind === 'accepted') seen.add(key)
      return accepted
    } finally {
      underWay.delete(key)
    }
  }
}

function outcomeOf(accepted: Accepted, options: NegotiateOptions): Outcome {
  if (accepted.kind === 'refused') return refused(`Kerberos refused: ${accepted.detail}`)
  const { principal, answer } = accepted
  if (!isCompleted(Buffer.from(answer, 'base64'))) return refused('Kerberos refused: one round was not enough')
  try {
    const identity = identityOf(principal, options)
    return {
      kind: 'proven',
      identity,
      carrier: CARRIER,
      responseHeaders: { 'WWW-Authenticate': `${CHALLENGE} ${answer}` },
    }
  } catch (error) {
    if (!(error instanceof AuthenticationRefused)) throw error
    return refused(error.message)
  }
}

/** Kerberos writes what could be mistaken for its own `@` and `/` with a backslash: such names are nobody's here. [RFC 1964 §2.1.3] */
function identityOf(written: string, { name, realms, subject }: NegotiateOptions): Identity {
  const principal = checkSubject(written, 'the principal')
  const [person = '', realm = '', ...more] = principal.split('@')
  if (person === '' || more.length > 0 || /[\\\ufffd]/.test(principal)) {
    throw rejected(`the principal ${principal} is not of the form name@REALM`)
  }
  if (!realms.includes(realm)) throw rejected(`the realm ${realm} is not among those accepted`)
  if (person.startsWith('WELLKNOWN/')) throw rejected(`the principal ${principal} is nobody`)
  const named = subject === 'name' ? person : principal
  return { issuer: realm, subject: named, authenticator: name, roles: [], claims: {}, fromCookie: false }
}

/** GSSAPI's way to write a service of a host; the realm is that of the key. */
function serviceName(service: string): string {
  const [host] = service.replace(/^HTTP[@/]?/, '').split('@')
  return host === undefined || host === '' ? 'HTTP' : `HTTP@${host}`
}

function refused(
  detail: string,
  more: { readonly malformed?: true; readonly retryAfterSeconds?: number } = {},
): Outcome {
  return { kind: 'refused', detail, carrier: CARRIER, ...more }
}

function tooBusy(): Outcome {
  return refused('too many Kerberos logins at once', { retryAfterSeconds: 1 })
}

function rejected(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('rejected', detail)
}
