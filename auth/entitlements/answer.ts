/**
 * Reads the answer of an entitlement service, as if a stranger had written it. It is bare, or stands under `result`, where
 * Open Policy Agent puts it. Keys that mean nothing here are passed over, as a policy may show its helpers; within
 * `permissions` they are mistakes. An answer with a mistake is none: no part of it counts.
 */

import type { Mistake } from '../errors.ts'
import { EntitlementRefused } from '../errors.ts'
import { compileGrants, type GrantList, type GrantTemplate } from '../policy/grants.ts'
import type { GrantInput } from '../policy/input.ts'
import type { Entitlement } from './entitlement.ts'

/** Largest answer, as JSON. */
export const ANSWER_BYTES = 64 * 1024

/** Open Policy Agent answers `{}` then. */
const UNDECIDED = 'it has no `allow`: with Open Policy Agent the decision is undefined, or the address names no policy'

const LISTS = ['configure', 'write', 'read'] as const
const PATTERN_CHARACTERS = 255
const ROLE_CHARACTERS = 1024
/** Behind `ACCESS_REFUSED - ` there is room for it in a reply-text. [AMQP §1.4.2.10] */
const REASON_BYTES = 200
/** A date and a time with its offset. [RFC 3339 §5.6] */
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/

/** The answer is none. The message says why, in operators' words. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

type Fields = Readonly<Record<string, unknown>>

/** @throws Malformed, or EntitlementRefused where the answer is no */
export function readAnswer(value: unknown, nowMs: number): Entitlement {
  const fields = decisionOf(value)
  const { allow } = fields
  if (allow === undefined) throw new Malformed(UNDECIDED)
  if (typeof allow !== 'boolean') throw new Malformed('`allow` is neither true nor false')
  const reason = reasonOf(fields['reason'])
  if (!allow) throw new EntitlementRefused(reason)
  const roles = rolesOf(fields['roles'])
  const permissions = permissionsOf(fields['permissions'])
  return {
    roles,
    permissions,
    grants: grantsOf(permissions),
    untilMs: untilOf(fields['until'], nowMs),
    signature: JSON.stringify([roles, permissions]),
  }
}

function decisionOf(value: unknown): Fields {
  if (!isFields(value)) throw new Malformed('it is no object')
  if (!Object.hasOwn(value, 'result')) return value
  if (Object.hasOwn(value, 'allow')) throw new Malformed('it has both `allow` and `result`')
  const { result } = value
  if (!isFields(result)) throw new Malformed('`result` is no object')
  return result
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function reasonOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new Malformed('`reason` is no text')
  const plain = value.replaceAll(/[\p{Cc}\p{Cs}]/gu, ' ').trim()
  let cut = plain.slice(0, REASON_BYTES)
  while (Buffer.byteLength(cut) > REASON_BYTES) cut = [...cut].slice(0, -1).join('')
  return cut === '' ? undefined : cut
}

function rolesOf(value: unknown): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new Malformed('`roles` is no list')
  return value.map((role: unknown) => {
    if (typeof role !== 'string' || role === '' || role.length > ROLE_CHARACTERS)
      throw new Malformed('`roles` has an entry that is no role')
    return role
  })
}

type Permissions = Entitlement['permissions']

function permissionsOf(value: unknown): Permissions {
  if (value === undefined) return { configure: [], write: [], read: [] }
  if (!isFields(value)) throw new Malformed('`permissions` is no object')
  const other = Object.keys(value).find((key) => !LISTS.some((list) => list === key))
  if (other !== undefined) throw new Malformed(`\`permissions\` has no key ${shown(other)}`)
  const list = (name: GrantList) => grantInputs(value[name], `\`permissions.${name}\``)
  return { configure: list('configure'), write: list('write'), read: list('read') }
}

function grantInputs(value: unknown, place: string): readonly GrantInput[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new Malformed(`${place} is no list`)
  return value.map((entry: unknown) => grantInput(entry, place))
}

function grantInput(entry: unknown, place: string): GrantInput {
  const expected = `expected { queue } or { exchange, routingKey }`
  if (!isFields(entry)) throw new Malformed(`${place}: ${expected}`)
  const { queue, exchange, routingKey, ...rest } = entry
  if (Object.keys(rest).length > 0 || (queue === undefined) === (exchange === undefined))
    throw new Malformed(`${place}: ${expected}`)
  if (queue !== undefined) {
    if (routingKey !== undefined) throw new Malformed(`${place}: ${expected}`)
    return { queue: pattern(queue, place) }
  }
  const name = pattern(exchange, place)
  return routingKey === undefined ? { exchange: name } : { exchange: name, routingKey: pattern(routingKey, place) }
}

function pattern(value: unknown, place: string): string {
  if (typeof value !== 'string' || value.length > PATTERN_CHARACTERS)
    throw new Malformed(`${place}: a pattern is a text of at most ${PATTERN_CHARACTERS} characters`)
  if (value.includes('${')) throw new Malformed(`${place}: there are no variables in an answer`)
  return value
}

function grantsOf(permissions: Permissions): readonly GrantTemplate[] {
  const problems: Mistake[] = []
  const grants = LISTS.flatMap((list) =>
    compileGrants({ path: [list], text: `entitlements.${list}` }, list, permissions[list], problems),
  )
  const [problem] = problems
  if (problem !== undefined) throw new Malformed(`\`permissions.${problem.path.join('.')}\`: ${problem.message}`)
  return grants
}

function untilOf(value: unknown, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const untilMs = typeof value === 'string' && isDateTime(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(untilMs)) throw new Malformed('`until` is no time such as 2026-11-29T20:00:00Z')
  if (untilMs <= nowMs) throw new Malformed('`allow` is true, but `until` has passed')
  return untilMs
}

/** `Date.parse` takes a 30 February for a day in March. */
function isDateTime(text: string): boolean {
  const [, year, month, day] = DATE_TIME.exec(text) ?? []
  return day !== undefined && Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 64))
}
