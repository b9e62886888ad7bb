/**
 * Tickets in the store. Under a ticket's hash stands who it is for, sealed with a key that only the ticket completes. It
 * carries the replication id of the server that took it: a failover may bring back what the old primary gave away a moment
 * before, and no ticket may be taken twice.
 */
import { randomBytes } from 'node:crypto'
import {
  type Identity,
  identityKeys,
  type RevokedKeys,
  StateUnavailable,
  sessionKeys,
  type Taken,
  type TicketBinding,
  type TicketLimits,
  type Tickets,
} from '../../auth/index.ts'
import { readIdentity, type WrittenIdentity, writtenIdentity } from './identity-text.ts'
import { digest } from './keys.ts'
import type { RevokedMarks } from './revoked-marks.ts'
import type { Sealer } from './sealing.ts'
import { type Store, script } from './store.ts'
import type { TakenTickets } from './taken-tickets.ts'

const TICKET_BYTES = 32
const TICKET = /^[A-Za-z0-9_-]{43}$/
const KIND = 'ticket'
/** Clocks of replicas differ; the store's own clock is exact, and this is for a store that forgets nothing. */
const SKEW_MS = 10_000
/** A failover between two tries is rare, a second one rarer. */
const TRIES = 3
const GONE: Taken = { detail: 'unknown, used or expired ticket' }

/** What is sealed. */
interface Entry {
  readonly identity: WrittenIdentity
  readonly service: string
  readonly origin: string | undefined
  /** Of the server that took it. */
  readonly replication: string
  readonly issuedAtMs: number
  readonly endsAtMs: number
}

const REPLICATION = `local function replication()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''
end
`

/** KEYS: the ticket, the index of all, the indexes by person and login session. */
const ISSUE = script(`${REPLICATION}
local ticket, all, own = KEYS[1], KEYS[2], KEYS[3]
local value, ttl, most, mostOwn, expected, name, base = unpack(ARGV)
local id = replication()
if id ~= expected then return {'replication', id} end
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
redis.call('ZREMRANGEBYSCORE', all, '-inf', now)
redis.call('ZREMRANGEBYSCORE', own, '-inf', now)
local over = redis.call('ZCARD', own) - mostOwn + 1
if over > 0 then
  for _, old in ipairs(redis.call('ZRANGE', own, 0, over - 1)) do
    redis.call('DEL', base .. old)
    redis.call('ZREM', all, old)
    redis.call('ZREM', own, old)
  end
end
if redis.call('ZCARD', all) >= tonumber(most) then return {'full'} end
redis.call('SET', ticket, value, 'PX', ttl)
for i = 2, #KEYS do
  redis.call('ZADD', KEYS[i], now + ttl * 1000, name)
  if redis.call('PTTL', KEYS[i]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[i], ttl) end
end
return {'issued'}`)

const TAKE = script(`${REPLICATION}
local value = redis.call('GETDEL', KEYS[1])
if not value then return false end
local first = string.find(value, ' ', 1, true)
redis.call('ZREM', KEYS[2], ARGV[1])
if first then
  for index in string.gmatch(string.sub(value, first + 1), '%S+') do redis.call('ZREM', ARGV[2] .. index, ARGV[1]) end
end
return {value, replication()}`)

const REVOKE = script(`
for i = 2, #KEYS do
  for _, name in ipairs(redis.call('ZRANGE', KEYS[i], 0, -1)) do
    redis.call('DEL', ARGV[1] .. name)
    redis.call('ZREM', KEYS[1], name)
  end
  redis.call('DEL', KEYS[i])
end
return 1`)

export interface SharedTicketsOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly scope: string
  /** Names of keys of this scope. */
  readonly keys: (name: string) => string
  readonly marks: RevokedMarks
  readonly taken: TakenTickets
  /** Called with each that was taken here, and until when it could be taken again. */
  readonly told: (name: string, untilMs: number) => void
  readonly nowMs: () => number
}

export class SharedTickets implements Tickets {
  readonly #of: SharedTicketsOptions
  /** As the store said last. */
  #replication = ''

  constructor(options: SharedTicketsOptions) {
    this.#of = options
  }

  async issue(identity: Identity, { service, origin }: TicketBinding, limits: TicketLimits) {
    const { store, sealer, keys, nowMs } = this.#of
    const ticket = randomBytes(TICKET_BYTES).toString('base64url')
    const name = this.#nameOf(ticket)
    const indexes = this.#indexesOf({ identities: identityKeys(identity), sessions: sessionKeys(identity) })
    const ttlMs = limits.ttlSeconds * 1000
    const now = nowMs()
    const entry = { identity: writtenIdentity(identity), service, origin, issuedAtMs: now, endsAtMs: now + ttlMs }
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const plain: Entry = { ...entry, replication: this.#replication }
      const sealed = sealer.seal(JSON.stringify(plain), this.#placeOf(ticket, name))
      const answer = await store.eval(
        'ticket',
        ISSUE,
        [keys(`t:${name}`), keys('all'), ...indexes.map((index) => keys(`i:${index}`))],
        [
          [sealed, ...indexes].join(' '),
          ttlMs,
          limits.ticketCount,
          limits.perIdentityCount,
          this.#replication,
          name,
          keys('t:'),
        ],
      )
      const [what, replication] = listOf(answer)
      if (what === 'issued') return ticket
      if (what === 'full') return undefined
      if (typeof replication !== 'string' || replication === '') break
      this.#replication = replication
    }
    throw new StateUnavailable('the state store does not say which replication it belongs to')
  }

  async take(ticket: string, { service, origin }: TicketBinding): Promise<Taken> {
    if (!TICKET.test(ticket)) return { detail: 'not of a ticket’s form' }
    const { store, sealer, keys, marks, taken, told, nowMs } = this.#of
    const name = this.#nameOf(ticket)
    const answer = await store.eval('ticket', TAKE, [keys(`t:${name}`), keys('all')], [name, keys('i:')])
    if (answer === null) return GONE
    const [value, replication] = listOf(answer)
    const [sealed] = typeof value === 'string' ? value.split(' ', 1) : []
    const text = sealer.open(sealed, this.#placeOf(ticket, name))
    if (text === undefined) return GONE
    const entry = JSON.parse(text) as Entry
    if (entry.replication !== replication) return { detail: 'a ticket from before the state store failed over' }
    const untilMs = entry.endsAtMs + SKEW_MS
    if (untilMs <= nowMs() || !taken.isFirst(name, untilMs)) return GONE
    told(name, untilMs)
    const identity = readIdentity(entry.identity)
    if (marks.hasLost(identity, entry.issuedAtMs)) return GONE
    if (entry.service !== service) return { detail: `a ticket for ${entry.service}` }
    if (entry.origin !== undefined && entry.origin !== origin) return { detail: 'a ticket for another Origin' }
    return { identity }
  }

  async revoke(revoked: RevokedKeys): Promise<void> {
    const { store, keys, marks, nowMs } = this.#of
    marks.add(revoked, nowMs())
    const indexes = this.#indexesOf(revoked)
    if (indexes.length === 0) return
    await store.eval('ticket', REVOKE, [keys('all'), ...indexes.map((index) => keys(`i:${index}`))], [keys('t:')])
  }

  #nameOf(ticket: string): string {
    return digest(KIND, this.#of.scope, ticket)
  }

  #placeOf(ticket: string, name: string) {
    return { kind: KIND, name, secret: Buffer.from(ticket, 'base64url') }
  }

  /** The person's own is the first. */
  #indexesOf({ identities = [], sessions = [] }: RevokedKeys): readonly string[] {
    const { sealer, scope } = this.#of
    return [
      ...identities.map((key) => sealer.nameOf('ticket of person', scope, key)),
      ...sessions.map((key) => sealer.nameOf('ticket of session', scope, key)),
    ]
  }
}

function listOf(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : []
}
