/** `gatehouse demo`: a private RabbitMQ, a gateway and a page to try it, until it is interrupted. */
import type { Command } from './command.ts'
import { CommandFailed, UsageError } from './exit.ts'
import { needed, parseOptions, portOption } from './options.ts'
import { say } from './terminal.ts'

const OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  'gateway-port': { type: 'string' },
  'admin-port': { type: 'string' },
} as const

export const demo: Command = {
  name: 'demo',
  summary: 'Run a private RabbitMQ, a gateway in front of it and a page to try both.',
  usage: ['demo [OPTIONS]'],
  help: `  --port PORT           port of the page (8080; 0 takes a free one)
  --gateway-port PORT   port of the gateway (0: a free one)
  --admin-port PORT     port of the gateway's console (0: a free one)
  --host ADDRESS        where they listen (127.0.0.1); 0.0.0.0 is for containers, with the ports published as they are

RabbitMQ is, in turn: RABBITMQ_URL, the rabbitmq-server of this machine, Docker, or as root on Debian or Ubuntu what
apt-get installs (announced first). Everything is on loopback unless --host says otherwise; Ctrl-C ends and removes it.`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'demo', options: OPTIONS })
    const port = portOption(values.port, 'demo')
    const gatewayPort = portOption(values['gateway-port'], 'demo', '--gateway-port')
    const adminPort = portOption(values['admin-port'], 'demo', '--admin-port')
    const host = values.host === undefined ? undefined : needed(values.host, '--host ADDRESS', 'demo')
    const given = [port ?? 8080, gatewayPort ?? 0, adminPort ?? 0].filter((one) => one !== 0)
    if (new Set(given).size < given.length)
      throw new UsageError('demo: page, gateway and console need a port each', { command: 'demo' })
    const { runDemo } = await import('../demo/demo.ts')
    const options = {
      say: (line: string) => say(terminal, line),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(gatewayPort === undefined ? {} : { gatewayPort }),
      ...(adminPort === undefined ? {} : { adminPort }),
    }
    return await runDemo(options).catch((error: unknown) => {
      throw inWords(error)
    })
  },
}

/** What keeps a demo from starting says so in words for whoever typed the command; a stack would hide them. */
function inWords(error: unknown): unknown {
  const isPlain = error instanceof Error && error.constructor === Error
  return isPlain ? new CommandFailed(error.message, { cause: error }) : error
}
