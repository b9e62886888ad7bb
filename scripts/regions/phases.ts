/** The life of a session as a picture and a table, from the phases' own table. */
import { PHASES } from '../../proxy/session/phases.ts'
import { markdownTable } from '../generated-regions.ts'

const rows = Object.entries(PHASES)

/** Mermaid's identifiers take no dashes, its labels do. */
const identifier = (phase: string): string => phase.replaceAll('-', '_')

/** A Mermaid state diagram: one state for each phase, one arrow for each allowed move. */
export function phaseDiagram(): string {
  const states = rows.map(([phase]) => `  state "${phase}" as ${identifier(phase)}`)
  const first = rows[0]
  const arrows = rows.flatMap(([phase, { next }]) => next.map((to) => `  ${identifier(phase)} --> ${identifier(to)}`))
  const last = rows.filter(([, { next }]) => next.length === 0).map(([phase]) => `  ${identifier(phase)} --> [*]`)
  const entry = first === undefined ? [] : [`  [*] --> ${identifier(first[0])}`]
  return ['```mermaid', 'stateDiagram-v2', ...states, ...entry, ...arrows, ...last, '```'].join('\n')
}

/** What each phase waits for, from whom, and which deadline hangs on it. */
export function phaseTable(): string {
  return markdownTable(
    ['phase', 'waits for', 'deadline', 'then'],
    rows.map(([phase, { waitsFor, deadline, next }]) => [
      `\`${phase}\``,
      waitsFor,
      deadline === 'none' ? '–' : deadline,
      next.length === 0 ? '–' : next.map((to) => `\`${to}\``).join(', '),
    ]),
  )
}
