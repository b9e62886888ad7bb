/**
 * Which arguments declarations and consumers may carry, with which values. A list of what is allowed: an argument that no
 * rule names is refused, but for those that the permissions themselves decide (dead letters, alternate exchange).
 */

import type { TableEntry } from '../../proxy/index.ts'
import { InvalidConfiguration, type Mistake } from '../errors.ts'
import type { ArgumentInput } from './input.ts'

/** Allowed with any value where no entry that applies has `arguments`. */
export const DEFAULT_ARGUMENTS: readonly string[] = [
  'x-message-ttl',
  'x-expires',
  'x-max-length',
  'x-max-length-bytes',
  'x-overflow',
  'x-max-priority',
  'x-queue-type',
  'x-single-active-consumer',
]

/** Decided by what they point to, not by a list. */
export const AUTHORITY_ARGUMENTS: readonly string[] = [
  'x-dead-letter-exchange',
  'x-dead-letter-routing-key',
  'alternate-exchange',
]

type Value = string | number | boolean | bigint

/** One argument under one entry. */
export interface ArgumentRule {
  readonly name: string
  allows(value: Value | undefined): boolean
  /** Added to declarations without the argument. */
  readonly injected?: TableEntry
}

/** @throws InvalidConfiguration with every mistake, their paths below `arguments` */
export function compileArguments(input: Readonly<Record<string, ArgumentInput>>): ArgumentRule[] {
  const problems: Mistake[] = []
  const rules = Object.entries(input).map(([name, rule]) => compileArgument(name, rule, problems))
  if (problems.length > 0) throw new InvalidConfiguration(problems)
  return rules
}

function compileArgument(name: string, input: ArgumentInput, problems: Mistake[]): ArgumentRule {
  if (input === true) return { name, allows: () => true }
  const { min, max, values, inject } = input
  const isBounded = min !== undefined || max !== undefined
  if (inject === true && (max === undefined || !Number.isSafeInteger(max))) {
    problems.push({ path: [name, 'inject'], message: 'needs a whole number as `max`, which is what is added' })
  }
  const allows = (value: Value | undefined): boolean => {
    if (isBounded) {
      if (typeof value !== 'number' && typeof value !== 'bigint') return false
      if ((min !== undefined && value < min) || (max !== undefined && value > max)) return false
    }
    return values === undefined || values.some((allowed) => isSame(allowed, value))
  }
  if (inject !== true || max === undefined) return { name, allows }
  return { name, allows, injected: { key: name, type: 'l', value: BigInt(Math.trunc(max)) } }
}

function isSame(allowed: string | number | boolean, value: Value | undefined): boolean {
  return typeof value === 'bigint' && typeof allowed === 'number'
    ? value === BigInt(Math.trunc(allowed)) && Number.isInteger(allowed)
    : value === allowed
}

/** A value as rules speak of it: whole numbers, texts and truth values; undefined for everything else. */
export function plainValue(entry: TableEntry): Value | undefined {
  switch (entry.type) {
    case 'b':
    case 'B':
    case 's':
    case 'u':
    case 'I':
    case 'i':
    case 'l':
    case 'L':
    case 't':
      return entry.value
    case 'S':
      return entry.value.toString()
    default:
      return undefined
  }
}
