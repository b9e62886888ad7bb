/** `gatehouse reload`: the configuration is read again, or it is said what that would change. */
import { readFileSync } from 'node:fs'
import type { ReloadReport } from '../../gateway/reloading/report.ts'
import type { Command } from '../command.ts'
import { EXIT, UsageError } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { showAnswer } from './show.ts'
import { cell, table } from './table.ts'
import { adminClient, WHERE_HELP, WHERE_OPTIONS, WHERE_USAGE } from './where.ts'

const OPTIONS = {
  ...WHERE_OPTIONS,
  'dry-run': { type: 'boolean' },
  candidate: { type: 'string' },
  'if-hash': { type: 'string' },
} as const

export const reloadCommand: Command = {
  name: 'reload',
  summary: 'Have a running gateway read its configuration again.',
  usage: [`reload ${WHERE_USAGE} [--dry-run [--candidate FILE]] [--if-hash HASH]`],
  help: `  --dry-run            only say what would change, and whose sessions would end
  --candidate FILE     of this configuration, in the place of the gateway's own file
  --if-hash HASH       only where the configuration in force has this hash

Exit code 78: the configuration has mistakes, and nothing has changed.

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'reload', options: OPTIONS })
    const { 'dry-run': dryRun, candidate, 'if-hash': ifHash } = values
    if (candidate !== undefined && dryRun !== true)
      throw new UsageError('reload: --candidate needs --dry-run: the gateway reloads from its own file only', {
        command: 'reload',
      })
    const text = candidate === undefined ? undefined : readFileSync(candidate, 'utf8')
    const client = await adminClient('reload', values, terminal)
    const report = (await client.ask('POST', '/reload', { body: { dryRun, text, ifHash } })) as ReloadReport
    showAnswer(terminal, report, values.json, (done) => lines(done, dryRun === true))
    return EXIT.ok
  },
}

function lines({ generation, hash, changes, sessions, examples }: ReloadReport, isDry: boolean): string[] {
  const { kept, changed, ended } = sessions
  const doomed = (examples ?? []).map(({ session, subject, service, why }) => [session, subject, service, why])
  return [
    `${isDry ? 'would be' : 'in force:'} generation ${generation}, hash ${hash}`,
    changes.length === 0 ? 'the configuration is the same' : `changed: ${changes.map(cell).join(', ')}`,
    `sessions: ${kept} kept, ${changed} changed, ${ended} ended`,
    ...(doomed.length === 0 ? [] : table(['SESSION', 'SUBJECT', 'SERVICE', 'WHY IT WOULD END'], doomed)),
  ]
}
