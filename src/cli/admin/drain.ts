/** `gatehouse drain` and `undrain`: a running gateway ends its sessions without stopping, or takes clients again. */
import type { Command } from '../command.ts'
import { EXIT } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { show } from './show.ts'
import { adminClient, WHERE_HELP, WHERE_OPTIONS, WHERE_USAGE } from './where.ts'

const OPTIONS = {
  ...WHERE_OPTIONS,
  over: { type: 'string' },
  quiet: { type: 'string' },
  'lame-duck': { type: 'string' },
} as const

export const drain: Command = {
  name: 'drain',
  summary: 'Have a running gateway end its sessions evenly and take no more, without stopping.',
  usage: [`drain ${WHERE_USAGE} [--over DURATION] [--quiet DURATION] [--lame-duck DURATION]`],
  help: `  --over DURATION        over how long the sessions end (as \`drain\` of the configuration says)
  --quiet DURATION       how long one session may take to come to a quiet point
  --lame-duck DURATION   for how long new sessions are still taken

The command does not wait: \`gatehouse status\` says how many sessions are left. \`gatehouse undrain\` takes it back.

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'drain', options: OPTIONS })
    const { over, quiet, 'lame-duck': lameDuck } = values
    const client = await adminClient('drain', values, terminal)
    const answer = await client.ask('POST', '/drain', { body: { over, quiet, lameDuck } })
    show(terminal, answer, values.json, () => ['draining'])
    return EXIT.ok
  },
}

export const undrain: Command = {
  name: 'undrain',
  summary: 'Have a gateway that drains take clients again.',
  usage: [`undrain ${WHERE_USAGE}`],
  help: `Sessions that have not ended go on.

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'undrain', options: WHERE_OPTIONS })
    const client = await adminClient('undrain', values, terminal)
    const answer = await client.ask('DELETE', '/drain')
    show(terminal, answer, values.json, () => ['takes clients again'])
    return EXIT.ok
  },
}
