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

/** What tells the sessions that are meant. One process has no name: as a replica it is never meant. */
export function matcherOf(match: SessionMatch): (record: SessionRecord) => boolean {
  const ranges = match.address === undefined ? undefined : addressSet(match.address)
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
    (ranges === undefined || ranges.contain(address)) &&
    match.replica === undefined
}
