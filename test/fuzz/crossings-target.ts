/**
 * Closings that cross, with a network on both legs that holds frames back: models of a client and of a broker walk through
 * the opening, use and closing of one channel number, and what they and the network do is chance. (See support/crossing.)
 */
import { exploreOne, tell } from '../support/crossing/explore.ts'
import { CLIENT_STYLES } from '../support/crossing/model-client.ts'
import type { Random } from '../support/random.ts'

const DEEDS = { least: 4, most: 16 }

/** @throws Error where anybody breaks the protocol, or the number cannot be used again */
export function crossingsTarget(random: Random): void {
  const deeds = DEEDS.least + random.below(DEEDS.most - DEEDS.least)
  const find = exploreOne(random.pick(CLIENT_STYLES), deeds, random)
  if (find !== undefined) throw new Error(tell(find), { cause: find.error })
}
