/** Figures of several runs as what a reader wants: the median with its spread, and the ratio to the floor run by run. */
import { OTHER_NAME } from './relays.ts'
import type { Figures } from './scenarios.ts'

/** One scenario's figures: by relay, one entry for each run. */
export interface Measured {
  readonly scenario: string
  readonly runs: ReadonlyMap<string, readonly Figures[]>
}

export interface Row {
  readonly scenario: string
  readonly figure: string
  readonly relay: string
  readonly median: number
  readonly least: number
  readonly most: number
  /** Median of the ratios to the floor, run by run; undefined for the floor itself and where it has no such figure. */
  readonly ratio: number | undefined
}

/** The relay that others are compared with. */
const FLOOR = 'bare pipe'
const DRAWS = 5000

export function rows({ scenario, runs }: Measured): Row[] {
  const floor = runs.get(FLOOR) ?? []
  return [...runs].flatMap(([relay, figures]) =>
    Object.keys(figures[0] ?? {}).map((figure) => {
      const values = figures.map((run) => run[figure] ?? Number.NaN)
      const ratios = values.map((value, run) => value / (floor[run]?.[figure] ?? Number.NaN)).filter(Number.isFinite)
      return {
        scenario,
        figure,
        relay,
        median: median(values),
        least: Math.min(...values),
        most: Math.max(...values),
        ratio: relay === FLOOR || ratios.length === 0 ? undefined : median(ratios),
      }
    }),
  )
}

/** One scenario as a table of plain text. */
export function table(measured: Measured): string {
  const lines = [['', 'relay', 'median', 'least – most', `ratio to ${FLOOR}`]]
  for (const row of rows(measured)) {
    lines.push([
      row.figure,
      row.relay,
      short(row.median),
      `${short(row.least)} – ${short(row.most)}`,
      row.ratio === undefined ? '' : row.ratio.toFixed(2),
    ])
  }
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((line) => (line[at] ?? '').length)))
  const body = lines.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [`\n${measured.scenario}`, ...[...body, ...besideOther(measured)].map((line) => `  ${line}`)].join('\n')
}

/** This version beside the other one: the ratio run by run, its median, and where that lies in 95 of 100 cases. */
function besideOther({ runs }: Measured): string[] {
  return [...runs].flatMap(([relay, others]) => {
    const name = relay.replace(OTHER_NAME, '')
    const figures = runs.get(name)
    if (name === relay || figures === undefined) return []
    return Object.keys(figures[0] ?? {}).map((figure) => {
      const ratios = figures.map((run, at) => (run[figure] ?? Number.NaN) / (others[at]?.[figure] ?? Number.NaN))
      const { low, high } = interval(ratios)
      return `${figure}, ${name} beside the other: ${median(ratios).toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`
    })
  })
}

/** Of the median, by drawing the same values anew, with repeats. */
function interval(values: readonly number[]): { readonly low: number; readonly high: number } {
  const medians = Array.from({ length: DRAWS }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)] ?? Number.NaN)),
  ).sort((a, b) => a - b)
  const at = (share: number): number => medians[Math.floor(share * (DRAWS - 1))] ?? Number.NaN
  return { low: at(0.025), high: at(0.975) }
}

function short(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en')
  return value.toFixed(value < 10 ? 2 : 1)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
