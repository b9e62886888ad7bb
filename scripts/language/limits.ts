/**
 * How many findings each page may have: at most as many as it had when somebody last lowered the number. A page without
 * an entry, as a new one is, may have none.
 */
import type { Count } from './findings.ts'

export type Limits = Readonly<Record<string, Count>>

const NONE: Count = { long: 0, word: 0 }

/** The pages that have more than they may. */
export function pagesBeyond(limits: Limits, counts: Limits): string[] {
  return Object.entries(counts)
    .filter(([page, { long, word }]) => {
      const limit = limits[page] ?? NONE
      return long > limit.long || word > limit.word
    })
    .map(([page]) => page)
}

/** The limits after pages have become better. None rises; pages that are gone, or have nothing left, lose their entry. */
export function lowered(limits: Limits, counts: Limits): Limits {
  return Object.fromEntries(
    Object.entries(limits).flatMap(([page, limit]) => {
      const count = counts[page] ?? NONE
      const lower = { long: Math.min(limit.long, count.long), word: Math.min(limit.word, count.word) }
      return lower.long + lower.word === 0 ? [] : [[page, lower]]
    }),
  )
}
