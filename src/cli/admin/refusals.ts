/** `gatehouse refusals`: the last clients that were refused, and why. */
import type { ShownRefusal } from '../../admin/live/recent-refusals.ts'
import type { Command } from '../command.ts'
import { EXIT } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { show } from './show.ts'
import { age, table } from './table.ts'
import { adminClient, WHERE_HELP, WHERE_OPTIONS, WHERE_USAGE } from './where.ts'

export const refusals: Command = {
  name: 'refusals',
  summary: 'List the last clients that were refused, and why.',
  usage: [`refusals ${WHERE_USAGE}`],
  help: `The last column is the line of the configuration that would let them in.

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'refusals', options: WHERE_OPTIONS })
    const client = await adminClient('refusals', values, terminal)
    const list = (await client.ask('GET', '/refusals')) as { readonly items: readonly ShownRefusal[] }
    show(terminal, list, values.json, ({ items }) =>
      table(
        ['AGO', 'CAUSE', 'SUBJECT', 'ADDRESS', 'SERVICE', 'ORIGIN', 'DETAIL', 'WOULD BE ALLOWED BY'],
        items.map((one) => [
          age(one.at),
          one.cause,
          one.subject,
          one.address,
          one.service,
          one.origin,
          one.detail,
          one.allow,
        ]),
      ),
    )
    return EXIT.ok
  },
}
