/** `gatehouse demo`: a private RabbitMQ, a gateway and a page to try it, until it is interrupted. */
import type { Command } from './command.ts'
import { parseOptions, portOption } from './options.ts'
import { say } from './terminal.ts'

export const demo: Command = {
  name: 'demo',
  summary: 'Run a private RabbitMQ, a gateway in front of it and a page to try both.',
  usage: ['demo [--port PORT]'],
  help: `  --port PORT   port of the page on 127.0.0.1 (8080; 0 takes a free one)

RabbitMQ is, in turn: RABBITMQ_URL, the rabbitmq-server of this machine, Docker, or as root on Debian or Ubuntu what
apt-get installs (announced first). Everything is on loopback; Ctrl-C ends and removes it.`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'demo', options: { port: { type: 'string' } } })
    const port = portOption(values.port, 'demo')
    const { runDemo } = await import('../demo/demo.ts')
    return await runDemo({ say: (line) => say(terminal, line), ...(port === undefined ? {} : { port }) })
  },
}
