/**
 * What another configuration means for a session that lives: it goes on as it is, goes on by other terms, or ends. Nobody
 * is asked: the identity counts as it was proven last.
 */
import { type Identity, PromotionRefused, type Requirement } from '../../auth/index.ts'
import { urlText, type VhostRule } from '../../proxy/index.ts'
import type { FilterBasis } from '../services/filter-basis.ts'
import type { Decided, Entitled, Service } from '../services/service.ts'
import type { SessionRecord } from './record.ts'

const RECORDED = ['id', 'service', 'identity', 'broker', 'node', 'user', 'vhost', 'address'] as const

/** All that a judgement rests on. While none of it is replaced, the judgement stands. */
export interface Judged extends Pick<SessionRecord, (typeof RECORDED)[number]> {
  /** Of the page that opened it; absent where it was no browser. */
  readonly origin: string | undefined
  /** Of the terms by which it lives. */
  readonly basis: FilterBasis
  /** The last answer about it, where its service asks for one. */
  readonly entitled: Entitled | undefined
}

const KEYS = [...RECORDED, 'origin', 'basis', 'entitled'] as const satisfies readonly (keyof Judged)[]

/** Whether what was judged before would be judged the same now. */
export function isUnchanged(before: Judged, now: Judged): boolean {
  return KEYS.every((key) => before[key] === now[key])
}

export type Judgement =
  /** By another rule of the same terms, at most. Thousands of these are kept for a while, and so they are small. */
  | { readonly outcome: 'kept'; readonly service: Service; readonly rule: number }
  | { readonly outcome: 'changed'; readonly service: Service; readonly terms: Decided }
  | {
      readonly outcome: 'ended'
      /** For operators. */
      readonly why: string
      /** Whether the same client would be let in again, as somebody or somewhere else. */
      readonly mayReturn: boolean
    }

/** @param service the one with the session's path, if there still is one */
export function judgeSession(judged: Judged, service: Service | undefined): Judgement {
  const { id, identity, address, user, origin, basis, entitled } = judged
  if (service === undefined) return refused(`there is no service ${judged.service} any more`)
  const unfit = unfitFor(service, identity, { origin, address })
  if (unfit !== undefined) return refused(unfit)
  try {
    const terms = service.decide(identity, { sessionId: id, address, entitled }, user)
    const moved = movedFrom(judged, service, terms)
    // Its filters would do what they do: no others are made.
    if (moved === undefined && terms.basis.equals(basis)) return { outcome: 'kept', service, rule: terms.rule }
    const { filters } = terms
    if (moved !== undefined) return { outcome: 'ended', why: moved, mayReturn: true }
    return { outcome: 'changed', service, terms: { ...terms, filters } }
  } catch (error) {
    if (error instanceof PromotionRefused) return refused(error.message)
    throw error
  }
}

function refused(why: string): Judgement {
  return { outcome: 'ended', why, mayReturn: false }
}

/** Why this identity would not be let in, from there. */
function unfitFor(
  { requirement, roles, origins, addresses }: Service,
  identity: Identity,
  { origin, address }: { readonly origin: string | undefined; readonly address: string },
): string | undefined {
  if (!isTakenBy(requirement, identity)) return `the service does not take authenticator ${identity.authenticator}`
  const missing = roles.filter((role) => !identity.roles.includes(role))
  if (missing.length > 0) return `lacks ${missing.map((role) => JSON.stringify(role)).join(' and ')}`
  if (origin !== undefined && !origins.allows(origin)) return `the service does not list the origin ${origin}`
  return addresses.allows(address) ? undefined : `require.addresses leaves out ${address}`
}

/** Whether one entry of the requirement is met by whoever vouched: of a ticket, by those who vouched when it was issued. */
export function isTakenBy(requirement: Requirement, identity: Identity): boolean {
  const vouched = new Set((identity.parts ?? [identity]).map(({ authenticator }) => authenticator))
  return requirement.some((entry) => ('all' in entry ? entry.all : [entry]).every(({ name }) => vouched.has(name)))
}

/** Why the session would be another one at the broker. */
function movedFrom({ broker, node, user, vhost }: Judged, service: Service, terms: Decided): string | undefined {
  if (service.broker !== broker) return `broker ${service.broker} instead of ${broker}`
  if (node !== undefined && !service.target.urls.some((url) => urlText(url) === node))
    return `no broker at ${node} any more`
  if (terms.username !== undefined && terms.username !== user) return `broker user ${terms.username} instead of ${user}`
  return vhost === undefined || allowsVhost(terms.vhosts, vhost) ? undefined : `another vhost than ${vhost}`
}

export function allowsVhost(vhosts: VhostRule, vhost: string): boolean {
  return 'pinned' in vhosts ? vhosts.pinned === vhost : vhosts.allowed.includes(vhost)
}
