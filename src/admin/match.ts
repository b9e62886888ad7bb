/** Which sessions are meant: one vocabulary for lists, kicks and code. Keys are AND, a list is OR. */
import { z } from 'zod'
import { addressRange, oneOrMany, text } from '../config/schema/units.ts'
import { addressSet } from '../services/address.ts'
import type { SessionRecord } from '../sessions/record.ts'

const values = (what: string) => oneOrMany(text(what)).optional()

export const matchFields = {
  session: values('the id of a session'),
  subject: values('a subject'),
  issuer: values('an issuer'),
  authenticator: values('the name of an authenticator'),
  role: values('a role'),
  service: values('the path of a service'),
  broker: values('the name of a broker'),
  user: values('a broker user'),
  vhost: values('a vhost'),
  address: oneOrMany(addressRange).optional(),
  replica: values('the name of a replica'),
}

export const matchSchema = z.strictObject(matchFields)

export type SessionMatch = z.output<typeof matchSchema>

/** Whether it would mean every session there is. */
export function isEmptyMatch(match: SessionMatch): boolean {
  return Object.values(match).every((wanted) => wanted === undefined)
}

/**
 * What tells the sessions that are meant.
 * @param replica this one's name; `null`: it has none, and as a replica it is never meant
 */
export function matcherOf(match: SessionMatch, replica: string | null): (record: SessionRecord) => boolean {
  if (match.replica !== undefined && (replica === null || !match.replica.includes(replica))) return () => false
  const isNear = match.address === undefined ? undefined : remembered(match.address)
  const has = (wanted: readonly string[] | undefined, value: string | undefined) =>
    wanted === undefined || (value !== undefined && wanted.includes(value))
  return ({ id, identity, service, broker, user, vhost, address }) =>
    has(match.session, id) &&
    has(match.subject, identity.subject) &&
    has(match.issuer, identity.issuer) &&
    has(match.authenticator, identity.authenticator) &&
    (match.role === undefined || match.role.some((role) => identity.roles.includes(role))) &&
    has(match.service, service) &&
    has(match.broker, broker) &&
    has(match.user, user) &&
    has(match.vhost, vhost) &&
    (isNear === undefined || isNear(address))
}

/** Thousands of sessions come from few addresses, and to read one takes longer than everything else. */
function remembered(ranges: readonly string[]): (address: string) => boolean {
  const set = addressSet(ranges)
  const known = new Map<string, boolean>()
  return (address) => {
    const before = known.get(address)
    if (before !== undefined) return before
    const isIn = set.contain(address)
    known.set(address, isIn)
    return isIn
  }
}
