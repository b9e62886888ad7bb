/** Two runs of a suite, test by test, and against what docs/clients.md says of it. */
import { DIFFERENCES } from './differences.ts'
import { FIGURES } from './figures.ts'
import type { Outcomes } from './outcomes.ts'

const SAID_LENGTH = 600

export interface Comparison {
  readonly lines: readonly string[]
  /** Differences that no line of the table explains, and figures that are not those of the table. */
  readonly mistakes: number
}

const passed = (of: Outcomes) => [...of.values()].filter(({ how }) => how === 'pass').length
const differenceOf = (client: string, test: string) =>
  DIFFERENCES.find((one) => one.client === client && one.test === test)

/** What passes straight at the broker and not through the gateway, and no line of the table names. */
export function unexplained(client: string, straight: Outcomes, through: Outcomes): readonly string[] {
  return [...straight]
    .filter(([test, { how }]) => how === 'pass' && through.get(test)?.how !== 'pass')
    .map(([test]) => test)
    .filter((test) => differenceOf(client, test) === undefined)
}

/** Two runs of the same: tests with a limit of milliseconds fail on a busy machine, and pass the next time. */
export function eitherPassed(one: Outcomes, other: Outcomes): Outcomes {
  return new Map([...other, ...[...one].filter(([test, { how }]) => how === 'pass' || !other.has(test))])
}

/** @param straight at the broker, without the gateway */
export function compare(client: string, version: string, straight: Outcomes, through: Outcomes): Comparison {
  const lines = [
    `${client} ${version}: ${passed(straight)} of ${straight.size} pass straight, ${passed(through)} through the gateway`,
  ]
  for (const [test, { how }] of straight) if (how === 'fail') lines.push(`  fails straight: ${test}`)
  const mistakes = unexplained(client, straight, through)
  for (const test of mistakes) {
    const said = (through.get(test)?.said ?? 'it did not end').trim().slice(0, SAID_LENGTH)
    lines.push(`  UNEXPLAINED: ${test}`, `    ${said.replaceAll('\n', '\n    ')}`)
  }
  for (const { test, why, isRace } of DIFFERENCES.filter((one) => one.client === client)) {
    const passes = through.get(test)?.how === 'pass'
    if (!passes && straight.get(test)?.how === 'pass') lines.push(`  intended: ${test}: ${why}`)
    if (passes && !isRace) lines.push(`  differs no more: ${test}`)
  }
  const stale = staleFigures(client, version, straight)
  if (stale !== undefined) lines.push(`  OTHER FIGURES: ${stale}`)
  return { lines, mistakes: mistakes.length + (stale === undefined ? 0 : 1) }
}

/** Where there are other tests than docs/clients.md says of this version, or fewer of them pass. */
export function staleFigures(client: string, version: string, straight: Outcomes): string | undefined {
  const told = FIGURES.find((one) => one.client === client && one.version === version)
  if (told === undefined) return undefined
  const pass = passed(straight)
  if (told.tests === straight.size && told.straight <= pass) return undefined
  return `test/clients/figures.ts says ${told.straight} of ${told.tests} pass straight; this run says ${pass} of ${straight.size}`
}
