/** What decides what the filters of a session do. */
import { isDeepStrictEqual } from 'node:util'
import type { Identity } from '../../auth/index.ts'

/** What variables read of a person. */
interface Person {
  readonly identity: Pick<Identity, 'roles' | 'claims'>
  /** The broker user. */
  readonly user: string
  /** Equal texts: an entitlement service grants the same. */
  readonly entitlement: string | undefined
}

export class FilterBasis {
  readonly #rules: string
  readonly #person: Person

  /** @param rules all that the configuration says of such sessions */
  constructor(rules: string, person: Person) {
    this.#rules = rules
    this.#person = person
  }

  /** Whether the filters of a session of the same person do the same. */
  equals(other: FilterBasis): boolean {
    const [one, another] = [this.#person, other.#person]
    return (
      one.user === another.user &&
      one.entitlement === another.entitlement &&
      this.#rules === other.#rules &&
      areEqual(one.identity, another.identity)
    )
  }
}

/** A reload asks about the same identity, a renewal brings another one. */
function areEqual(one: Person['identity'], other: Person['identity']): boolean {
  if (one === other) return true
  return isDeepStrictEqual([one.roles, one.claims], [other.roles, other.claims])
}
