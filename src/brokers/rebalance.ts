/**
 * When sessions are moved from nodes that have too many to those that have too few: some time after a node was back, and
 * each so long again. How many is decided once for each round, so that sessions on their way do not count as missing.
 */

export interface RebalanceSettings {
  /** In ms: after a node was back, and from one round to the next. */
  readonly after: number
  readonly perSecond: number
}

export interface BalancedNode {
  readonly name: string
  readonly isUp: boolean
  readonly sessionCount: number
  /** When it was back; it may be that it never was away. */
  readonly backAtMs: number
}

/** Differences that are not worth a reconnect: a part of the mean, and a few sessions in any case. */
const TOLERATED = { part: 0.1, sessions: 2 } as const

export class Rebalance {
  #lastMs: number

  constructor(nowMs: number) {
    this.#lastMs = nowMs
  }

  /** @returns how many sessions are to leave, by node; none where it is not time, or the nodes are even */
  due(
    nodes: readonly BalancedNode[],
    { after, perSecond }: RebalanceSettings,
    nowMs: number,
  ): ReadonlyMap<string, number> {
    const up = nodes.filter(({ isUp }) => isUp)
    const sinceMs = nowMs - Math.max(this.#lastMs, ...up.map(({ backAtMs }) => backAtMs))
    const leaving = new Map<string, number>()
    if (up.length < 2 || sinceMs < after) return leaving
    this.#lastMs = nowMs
    const counts = up.map(({ sessionCount }) => sessionCount)
    const mean = counts.reduce((sum, count) => sum + count, 0) / up.length
    const difference = Math.max(...counts) - Math.min(...counts)
    if (difference <= Math.max(TOLERATED.sessions, mean * TOLERATED.part)) return leaving
    for (const { name, sessionCount } of up) {
      const tooMany = sessionCount - Math.ceil(mean)
      if (tooMany > 0) leaving.set(name, tooMany)
    }
    // The next round begins when all of this one have had their turn, and time to come back.
    this.#lastMs += ([...leaving.values()].reduce((sum, count) => sum + count, 0) / perSecond) * 1000
    return leaving
  }
}
