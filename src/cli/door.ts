/** `gatehouse door`: the outer half of reverse connectivity. */
import { loadDoor } from '../config/reading/load.ts'
import { formatProblem } from '../config/reading/problems.ts'
import type { DoorConfig } from '../config/schema/door.ts'
import { Log } from '../ops/log.ts'
import { linesIn } from '../ops/pretty-lines.ts'
import { Door } from '../tunnel/door/door.ts'
import type { Command } from './command.ts'
import { EXIT } from './exit.ts'
import { needed, parseOptions } from './options.ts'
import { runUntilStopped } from './serving.ts'
import { complain, say } from './terminal.ts'

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  check: { type: 'boolean' },
} as const

export const door: Command = {
  name: 'door',
  summary: 'Run a door: clients outside reach gateways inside, which open no port.',
  usage: ['door -c FILE [--check]'],
  help: `  -c, --config FILE   the configuration of the door
  --check             only say what is wrong with it, or what it comes to: exit code 0, or 78 with all mistakes

Gateways dial the door (\`listen: [{ door: … }]\`), and it gives each client to a connection of one of them. It passes bytes
and reads none of them: TLS of clients ends at the gateway. It holds no key of the site and no credential. Signals:
  SIGTERM, SIGINT     take no more clients, wait for those that are here as \`drain\` says, and exit with 0; a second one
                      drops them at once
  SIGHUP              read the configuration and its certificates again, all or nothing; gateways come again, clients stay`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'door', options: OPTIONS })
    const file = needed(values.config, '-c FILE', 'door')
    const { config, warnings } = loadDoor(file, terminal.env)
    const texts = warnings.map(formatProblem)
    if (values.check === true) {
      for (const text of texts) complain(terminal, `warning: ${text}`)
      for (const line of summary(config)) say(terminal, line)
      say(terminal, `${file}: good`)
      return EXIT.ok
    }
    const { level, format } = config.log
    const log = new Log(level, linesIn(format, undefined, terminal.env))
    const start = async (): Promise<Door> => {
      const made = new Door(config, { file, env: terminal.env, log })
      await made.start()
      return made
    }
    await runUntilStopped(start, texts, terminal)
    return EXIT.ok
  },
}

function summary({ listen, inner, wait, limits, admin }: DoorConfig): string[] {
  const sites = listen.sites?.map(({ serverName, to }) => `  ${serverName}: ${to.join(', ')}`) ?? []
  return [
    `clients at tcp://${authority(listen)}, at most ${limits.connections}, ${limits.connectionsPerAddress} of one address`,
    ...sites,
    `gateways at tls://${authority(inner)}: ${inner.names?.join(', ') ?? 'any that inner.tls.ca vouches for'}`,
    `a client waits ${wait} ms for a gateway`,
    ...(admin === undefined ? [] : [`health and metrics at http://${authority(admin)}`]),
  ]
}

function authority({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
