/**
 * Finds, among many `when` or `for`, those that match somebody, in time that does not grow with those that name others.
 *
 * Each one that names exact values lies under these, as in the index of a book, and is looked at only for somebody who has
 * one of them. All others are looked at for everybody. Whatever is looked at is matched in full: the index only leaves out.
 */
import type { Exact, FactPlace, Match, MatchFacts } from './match.ts'

/** A place, and which matches lie under a value there, by their positions. */
interface Register {
  readonly place: FactPlace
  readonly positions: Map<unknown, number[]>
}

export class MatchIndex {
  readonly #matches: readonly Match[]
  readonly #registers: readonly Register[]
  /** Positions of those that are looked at for everybody, ascending. */
  readonly #others: readonly number[]

  constructor(matches: readonly Match[]) {
    const counts = registersOf(matches.flatMap(({ exact }, position) => exact.map((one) => [one, position] as const)))
    const sizeOf = ({ place, values }: Exact): number =>
      values.reduce<number>((sum, value) => sum + (counts.get(place.name)?.positions.get(value)?.length ?? 0), 0)
    const entries = matches.map(({ exact }, position) => [smallest(exact, sizeOf), position] as const)
    this.#matches = matches
    this.#others = entries.flatMap(([exact, position]) => (exact === undefined ? [position] : []))
    this.#registers = [
      ...registersOf(entries.flatMap(([exact, position]) => (exact === undefined ? [] : [[exact, position]]))).values(),
    ]
  }

  /** The position of the first that matches; -1 where none does. */
  first(facts: MatchFacts): number {
    return this.#candidates(facts).find((position) => this.#matches[position]?.matches(facts)) ?? -1
  }

  /** The positions of all that match, ascending. */
  all(facts: MatchFacts): readonly number[] {
    return this.#candidates(facts).filter((position) => this.#matches[position]?.matches(facts))
  }

  /** No match is left out. Ascending. */
  #candidates(facts: MatchFacts): readonly number[] {
    const found = new Set<number>()
    for (const { place, positions } of this.#registers) {
      for (const value of place.values(facts)) {
        for (const position of positions.get(value) ?? []) found.add(position)
      }
    }
    return found.size === 0 ? this.#others : [...found, ...this.#others].sort((one, other) => one - other)
  }
}

/** By the places' names. */
function registersOf(entries: readonly (readonly [Exact, number])[]): ReadonlyMap<string, Register> {
  const registers = new Map<string, Register>()
  for (const [{ place, values }, position] of entries) {
    const register = registers.get(place.name) ?? { place, positions: new Map<unknown, number[]>() }
    registers.set(place.name, register)
    for (const value of values) {
      const positions = register.positions.get(value)
      if (positions === undefined) register.positions.set(value, [position])
      else positions.push(position)
    }
  }
  return registers
}

/** Of a role that all rules name and a subject that one does, the subject. */
function smallest(exact: readonly Exact[], sizeOf: (one: Exact) => number): Exact | undefined {
  let [best] = exact
  for (const one of exact.slice(1)) if (best !== undefined && sizeOf(one) < sizeOf(best)) best = one
  return best
}
