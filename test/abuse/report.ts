/** What one abuse did, what of that is too much, and how both are printed. */
import type { RoundTrips } from './bystander.ts'

export interface Row {
  readonly abuse: string
  /** Of resident memory while it went on, against before: the most at any moment, and after a collection at its end. */
  readonly peakGrowthMib: number
  readonly heldGrowthMib: number
  /** Seconds later, the abuser gone, after a collection. */
  readonly keptGrowthMib: number
  readonly allowedGrowthMib: number
  readonly longestDelayMs: number
  /** Of that, what the gateway was at work, and not kept from it by others on the machine: what is judged. */
  readonly longestOwnDelayMs: number
  readonly waitedMs: number
  /** Processor time of the gateway, against the time that passed. */
  readonly processorPart: number
  readonly bystander: RoundTrips
  readonly slowestHealthMs: number
  /** What became of the abuser's sockets, as it saw them. */
  readonly abuserSaw: Readonly<Record<string, number>>
  /** Refusals and ends as the gateway counts them. */
  readonly gatewayDid: Readonly<Record<string, number>>
  readonly missed: readonly string[]
}

const DELAY_MS = 100
const BYSTANDER_P99_MS = 50
const HEALTH_MS = 1000

export const HEADINGS = [
  'memory: peak, held, kept',
  'longest delay of the event loop',
  "bystander's round trip: p50, p99, longest",
  'slowest answer of /health/live',
  'the abuser saw',
  'the gateway counted',
  'bounds',
]

/** The bounds that do not hold, for the reader. */
export function missedBounds(row: Omit<Row, 'missed'>): string[] {
  const { peakGrowthMib, allowedGrowthMib, longestOwnDelayMs, bystander, slowestHealthMs } = row
  return [
    ...(peakGrowthMib < allowedGrowthMib ? [] : [`memory grew by ${allowedGrowthMib} MiB or more`]),
    ...(longestOwnDelayMs < DELAY_MS ? [] : [`the event loop was late by ${DELAY_MS} ms or more`]),
    ...(bystander.p99Ms < BYSTANDER_P99_MS ? [] : [`the bystander's p99 was ${BYSTANDER_P99_MS} ms or more`]),
    ...(slowestHealthMs < HEALTH_MS ? [] : [`health took ${HEALTH_MS} ms or more`]),
  ]
}

export function cells(row: Row): string[] {
  const { bystander, abuserSaw, gatewayDid, missed } = row
  return [
    `${row.peakGrowthMib.toFixed(1)}, ${row.heldGrowthMib.toFixed(1)}, ${row.keptGrowthMib.toFixed(1)} MiB (less than ${row.allowedGrowthMib})`,
    `${row.longestOwnDelayMs.toFixed(1)} ms of work (${row.longestDelayMs.toFixed(1)} with what others on the machine took; ${Math.round(row.waitedMs)} ms waited in all; it used ${Math.round(row.processorPart * 100)} % of one)`,
    `${bystander.p50Ms.toFixed(2)}, ${bystander.p99Ms.toFixed(2)}, ${bystander.longestMs.toFixed(1)} ms of ${bystander.count}`,
    `${row.slowestHealthMs.toFixed(1)} ms`,
    list(abuserSaw),
    list(gatewayDid),
    missed.length === 0 ? 'hold' : `missed: ${missed.join(', ')}`,
  ]
}

function list(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([what, count]) => `${count} × ${what}`)
  return parts.length === 0 ? 'nothing' : parts.join(', ')
}
