/** `gatehouse refusals`: the last clients that were refused, and why. */
import type { ShownRefusal } from '../../admin/live/recent-refusals.ts'
import type { NotReached } from '../../admin/replicas/everywhere.ts'
import type { Command } from '../command.ts'
import { EXIT } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { showAnswer } from './show.ts'
import { age, notReachedLines, table } from './table.ts'
import { adminClient, WHERE_HELP, WHERE_OPTIONS, WHERE_USAGE } from './where.ts'

export const refusalsCommand: Command = {
  name: 'refusals',
  summary: 'List the last clients that were refused, and why.',
  usage: [`refusals ${WHERE_USAGE}`],
  help: `The last column is the line of the configuration that would let them in.

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'refusals', options: WHERE_OPTIONS })
    const client = await adminClient('refusals', values, terminal)
    const list = (await client.ask('GET', '/refusals')) as RefusalList
    showAnswer(terminal, list, values.json, listLines)
    return EXIT.ok
  },
}

type RefusalList = NotReached & { readonly items: readonly ShownRefusal[] }

function listLines({ items, notReached }: RefusalList): string[] {
  const isOfSeveral = items.some(({ replica }) => replica !== null)
  const headings = [
    'AGO',
    'CAUSE',
    'SUBJECT',
    'AUTHENTICATOR',
    'ADDRESS',
    'SERVICE',
    'ORIGIN',
    'DETAIL',
    'WOULD BE ALLOWED BY',
  ]
  const rows = items.map(({ at, cause, subject, authenticator, address, service, origin, detail, allow, replica }) => [
    age(at),
    cause,
    subject,
    authenticator,
    address,
    service,
    origin,
    detail,
    allow,
    ...(isOfSeveral ? [replica] : []),
  ])
  return [...table(isOfSeveral ? [...headings, 'REPLICA'] : headings, rows), ...notReachedLines(notReached)]
}
