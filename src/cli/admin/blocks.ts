/** `gatehouse block`, `unblock` and `blocks`: who is kept out. */
import type { Blocked, Kicked, ShownBlock } from '../../admin/shapes.ts'
import type { Command } from '../command.ts'
import { EXIT } from '../exit.ts'
import { needed, parseOptions } from '../options.ts'
import { idOf } from './ids.ts'
import { showAnswer } from './show.ts'
import { cell, counted, notReachedLines, table } from './table.ts'
import { adminClient, WHERE_HELP, WHERE_OPTIONS, WHERE_USAGE } from './where.ts'

const BLOCK_OPTIONS = {
  ...WHERE_OPTIONS,
  subject: { type: 'string' },
  issuer: { type: 'string' },
  for: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const

export const blockCommand: Command = {
  name: 'block',
  summary: 'Keep somebody out, and end their sessions.',
  usage: [`block SUBJECT --for DURATION --reason TEXT ${WHERE_USAGE} [--issuer ISSUER] [--dry-run]`],
  help: `  --subject NAME       the same as SUBJECT
  --issuer ISSUER      who vouches for them; absent: that subject of every issuer
  --for DURATION       how long, such as 10m or 30d
  --reason TEXT        for operators: clients do not read it
  --dry-run            only say how many sessions would end

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = parseOptions(args, { command: 'block', options: BLOCK_OPTIONS, words: 1 })
    const subject = needed(positionals[0] ?? values.subject, 'SUBJECT', 'block')
    const { issuer, reason, 'dry-run': dryRun } = values
    if (dryRun === true) {
      const client = await adminClient('block', values, terminal)
      const kicked = (await client.ask('POST', '/kick', { body: { match: { subject, issuer }, dryRun } })) as Kicked
      showAnswer(terminal, kicked, values.json, ({ matched }) => [`${counted(matched, 'session')} would end`])
      return EXIT.ok
    }
    const body = {
      subject,
      issuer,
      for: needed(values.for, '--for DURATION', 'block'),
      reason: needed(reason, '--reason TEXT', 'block'),
    }
    const client = await adminClient('block', values, terminal)
    const blocked = (await client.ask('PUT', '/blocks', { body })) as Blocked
    showAnswer(terminal, blocked, values.json, ({ id, until, ended, issuers, notReached }) => [
      `blocked ${cell(subject)} until ${until}, id ${id}`,
      `${counted(ended, 'session')} ended${issuers.length === 0 ? '' : ` of ${issuers.map(cell).join(', ')}`}`,
      ...notReachedLines(notReached),
    ])
    return EXIT.ok
  },
}

export const unblockCommand: Command = {
  name: 'unblock',
  summary: 'Lift a block.',
  usage: [`unblock ID ${WHERE_USAGE}`],
  help: WHERE_HELP,
  async run(args, terminal) {
    const { values, positionals } = parseOptions(args, { command: 'unblock', options: WHERE_OPTIONS, words: 1 })
    const id = idOf(positionals[0], 'unblock', { of: 'block', list: 'blocks' })
    const client = await adminClient('unblock', values, terminal)
    const nothing = await client.ask('DELETE', `/blocks/${id}`)
    showAnswer(terminal, nothing, values.json, () => ['lifted'])
    return EXIT.ok
  },
}

export const blocksCommand: Command = {
  name: 'blocks',
  summary: 'List who is blocked.',
  usage: [`blocks ${WHERE_USAGE}`],
  help: WHERE_HELP,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'blocks', options: WHERE_OPTIONS })
    const client = await adminClient('blocks', values, terminal)
    const list = (await client.ask('GET', '/blocks')) as { readonly items: readonly ShownBlock[] }
    showAnswer(terminal, list, values.json, ({ items }) =>
      table(
        ['ID', 'SUBJECT', 'ISSUER', 'UNTIL', 'BY', 'REASON'],
        items.map(({ id, subject, issuer, until, by, reason }) => [id, subject, issuer ?? 'any', until, by, reason]),
      ),
    )
    return EXIT.ok
  },
}
