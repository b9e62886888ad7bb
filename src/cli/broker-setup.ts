/** `gatehouse broker-setup`: what the brokers need so that they refuse nothing that the gateway allows. */
import { type BrokerNeeds, brokerNeeds } from '../brokers/setup/broker-needs.ts'
import { definitionsOf } from '../brokers/setup/definitions.ts'
import { rabbitmqctlLines } from '../brokers/setup/rabbitmqctl.ts'
import { loadConfig } from '../config/reading/load.ts'
import { suggestion } from '../config/reading/nearest.ts'
import type { Command } from './command.ts'
import { EXIT, UsageError } from './exit.ts'
import { needed, parseOptions } from './options.ts'
import { complain, say, type Terminal } from './terminal.ts'

const NAME = 'broker-setup'
const OPTIONS = {
  config: { type: 'string', short: 'c' },
  broker: { type: 'string' },
  definitions: { type: 'boolean' },
} as const

export const brokerSetup: Command = {
  name: NAME,
  summary: 'Print what the broker needs: vhosts, users, tags and permissions.',
  usage: ['broker-setup -c FILE [--broker NAME] [--definitions]'],
  help: `  -c, --config FILE   the configuration
  --broker NAME       one of \`brokers\`; absent: all of them
  --definitions       JSON that RabbitMQ imports, of one broker; users without passwords

The lines are for a shell that may run rabbitmqctl: write them to a file, read it, and run it with sh. The rights are the
sum of what \`permissions\` give to all who share a user, the default exchange included. A user or vhost that is there
already stays; its permissions and tags are replaced. No secret is read or printed: a line reads the password from the
file or variable of the configuration, or asks for it. Notes say what the configuration does not tell.`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: NAME, options: OPTIONS })
    const file = needed(values.config, '-c FILE', NAME)
    const { config } = loadConfig(file, terminal.env, { files: false })
    const chosen = chosenOf(brokerNeeds(config), values.broker)
    if (values.definitions === true) printDefinitions(chosen, terminal)
    else for (const needs of chosen) for (const line of rabbitmqctlLines(needs)) say(terminal, line)
    return EXIT.ok
  },
}

/** @throws UsageError */
function chosenOf(all: readonly BrokerNeeds[], name: string | undefined): readonly BrokerNeeds[] {
  if (name === undefined) return all
  const chosen = all.filter(({ broker }) => broker === name)
  if (chosen.length > 0) return chosen
  const names = all.map(({ broker }) => broker)
  throw new UsageError(`${NAME}: no service uses a broker ${JSON.stringify(name)}${suggestion(name, names)}`, {
    command: NAME,
  })
}

/** @throws UsageError */
function printDefinitions([needs, other]: readonly BrokerNeeds[], terminal: Terminal): void {
  if (needs === undefined) return
  if (other !== undefined)
    throw new UsageError(`${NAME}: --definitions are those of one broker: say --broker`, { command: NAME })
  for (const note of needs.notes) complain(terminal, `note: ${note}`)
  complain(
    terminal,
    'note: users come without a password, and an import takes the password of a user that is there; set it afterwards: rabbitmqctl change_password NAME < FILE',
  )
  say(terminal, JSON.stringify(definitionsOf(needs), undefined, 2))
}
