/**
 * The configuration lines that would have let somebody in, as the log prints them beside a refusal. They are YAML in the
 * short form, each ready to be pasted under the key that the comment behind it names: what is there already stays. They say
 * nothing that the operator does not know.
 */
import { originProblem } from '../config/origin-pattern.ts'

/** For `origins`; `undefined` for what no browser would send. */
export function originLine(origin: string): string | undefined {
  if (origin.length > 300 || origin.includes('*') || originProblem(origin) !== undefined) return undefined
  return `- ${scalar(origin)}   # under origins`
}

/** For `require`, in the place of what is there: with what the identity does have. */
export function rolesLine(required: readonly string[], has: readonly string[]): string {
  const kept = required.filter((role) => has.includes(role)).map(scalar)
  return `roles: [${kept.join(', ')}]   # under require, instead`
}

/** For `require.addresses`. */
export function addressLine(address: string): string {
  return `- ${scalar(address)}   # under require.addresses.allow`
}

/** For `promote`; which credential is the operator's decision. */
export function ruleLine(subject: string): string {
  return `- { when: { subject: ${scalar(subject)} }, to: CREDENTIAL }   # under promote`
}

/** A YAML scalar: bare where that is surely a string, else in double quotes, which JSON's are too. */
function scalar(text: string): string {
  return /^[A-Za-z][A-Za-z0-9_./:@-]*[A-Za-z0-9]$/.test(text) && !/: |^(?:true|false|null|yes|no|on|off)$/i.test(text)
    ? text
    : JSON.stringify(text)
}

/** What was asked for, and is not granted. */
export interface LackingPermission {
  /** `configure`, `write` or `read`. */
  readonly list: string
  readonly kind: 'queue' | 'exchange'
  readonly name: string
  readonly routingKey: string | undefined
  /** Whether the routing key is a message's own, in which `*` and `#` stand for themselves. */
  readonly isLiteral: boolean
}

/** For `permissions`; `undefined` where the name or key as a pattern would grant more than was asked for. */
export function permissionLine({ list, kind, name, routingKey, isLiteral }: LackingPermission): string | undefined {
  if (/[*?$]/.test(name) || routingKey?.includes('$') === true) return undefined
  if (isLiteral && routingKey !== undefined && /(?:^|\.)[*#](?:\.|$)/.test(routingKey)) return undefined
  const hasKey = kind === 'exchange' && list !== 'configure' && routingKey !== undefined
  const key = hasKey ? `, routingKey: ${scalar(routingKey)}` : ''
  return `- { ${kind}: ${scalar(name)}${key} }   # under permissions, ${list}`
}
