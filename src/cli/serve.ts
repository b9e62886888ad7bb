/** `gatehouse serve`: the gateway itself, from a file or, for tests, from options alone. */
import { dirname, resolve } from 'node:path'
import { InvalidConfiguration } from '../../auth/index.ts'
import { type LoadedConfig, loadConfig, parseConfig, withPlaces } from '../config/reading/load.ts'
import { ConfigError, formatPath, formatProblem } from '../config/reading/problems.ts'
import type { ConfigInput } from '../config/schema/schema.ts'
import { inheritedSockets } from '../gateway/listening/inherited-sockets.ts'
import type { Command } from './command.ts'
import { EXIT, UsageError } from './exit.ts'
import { parseOptions, portOption } from './options.ts'
import { quickConfig } from './quick-config.ts'
import { type Served, serveUntilStopped } from './serving.ts'
import type { Terminal } from './terminal.ts'

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  broker: { type: 'string', multiple: true },
  user: { type: 'string', multiple: true },
  host: { type: 'string' },
  port: { type: 'string' },
  path: { type: 'string' },
  vhost: { type: 'string' },
  origin: { type: 'string', multiple: true },
  'log-level': { type: 'string' },
} as const

export const serve: Command = {
  name: 'serve',
  summary: 'Run the gateway.',
  usage: ['serve -c FILE', 'serve --broker URL --user NAME:PASSWORD=BROKER_USER:BROKER_PASSWORD [--user …] [OPTIONS]'],
  help: `  -c, --config FILE    the configuration

Without a file, for tests:
  --broker URL         amqp://HOST:PORT of the broker; several are tried in turn
  --user …             someone who may log in with HTTP Basic, and what the broker sees instead; any number
  --host ADDRESS       where to listen (127.0.0.1)
  --port PORT          where to listen (8080; 0 takes a free one)
  --path PATH          the path of the WebSocket (/amqp)
  --vhost VHOST        the vhost, whatever clients ask for (/)
  --origin ORIGIN      pages that may connect, such as http://localhost:5173; any number
  --log-level LEVEL    fatal, error, warn, info, debug, trace or silent (info)

It starts whatever state the brokers are in. Signals:
  SIGTERM, SIGINT      end all sessions evenly over \`drain\` and exit with 0; a second one ends them at once
  SIGHUP               read the configuration and everything it names again, all or nothing

It takes listening sockets from systemd (LISTEN_FDS), so that a restart leaves the port open. With \`workers\` in the file it
runs several processes as one gateway; signals go to the first.`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'serve', options: OPTIONS })
    const { config: file, ...quick } = values
    const served = file === undefined ? await fromOptions(quick, terminal) : fromFile(file, quick, terminal)
    const folder = file === undefined ? process.cwd() : dirname(resolve(file))
    const inherited = inheritedSockets(terminal.env, process.pid)
    const options = { env: terminal.env, folder, inherited, ...(file === undefined ? {} : { file }) }
    try {
      await serveUntilStopped(served, options, terminal)
    } catch (error) {
      throw file === undefined ? error : inFile(error, file)
    }
    return EXIT.ok
  },
}

/** A mistake that showed at the start only has its place in the file, too. */
function inFile(error: unknown, file: string): unknown {
  const problems =
    error instanceof InvalidConfiguration
      ? error.problems.map(({ path, message }) => ({ path: formatPath(path), message }))
      : error instanceof ConfigError
        ? error.problems
        : undefined
  return problems === undefined ? error : new ConfigError(withPlaces(problems, file), { cause: error })
}

const COMMAND_LINE_WARNING = 'passwords on a command line are for tests: every process of this machine can read them'

type QuickValues = Omit<ReturnType<typeof parseOptions<typeof OPTIONS>>['values'], 'config'>

function fromFile(file: string, quick: QuickValues, terminal: Terminal): Served {
  const [other] = Object.keys(quick)
  if (other !== undefined)
    throw new UsageError(`serve: --${other} goes without -c: a file says it itself`, { command: 'serve' })
  const { config, warnings } = loadConfig(file, terminal.env)
  return { config, warnings: warnings.map(formatProblem) }
}

async function fromOptions(quick: QuickValues, terminal: Terminal): Promise<Served> {
  if (!quick.broker || !quick.user)
    throw new UsageError('serve needs -c FILE, or --broker and --user for tests', { command: 'serve' })
  const input = await quickConfig({
    brokers: quick.broker,
    users: quick.user,
    host: quick.host ?? '127.0.0.1',
    port: portOption(quick.port, 'serve') ?? 8080,
    path: quick.path ?? '/amqp',
    vhost: quick.vhost ?? '/',
    origins: quick.origin ?? [],
    logLevel: quick['log-level'],
  })
  const { config, warnings } = judged(input, terminal)
  const others = warnings.filter(({ path }) => !path.endsWith('.password'))
  return { config, warnings: [COMMAND_LINE_WARNING, ...others.map(formatProblem)] }
}

/** Where an option of the command line ends up, for mistakes in it. */
const PLACES = [
  ['log.level', '--log-level'],
  ['listen.host', '--host'],
  ['brokers.broker', '--broker'],
  ['authenticators.users', '--user'],
  ['services[0].promote', '--user'],
  ['services[0].origins', '--origin'],
  ['services[0].path', '--path'],
  ['services[0].vhost', '--vhost'],
] as const

/** @throws UsageError where the options do not make a configuration */
function judged(input: ConfigInput, terminal: Terminal): LoadedConfig {
  try {
    return parseConfig(input, { env: terminal.env })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const lines = error.problems.map(({ path, message }) => {
      const option = PLACES.find(([place]) => path.startsWith(place))?.[1] ?? path
      return `${option}: ${message}`
    })
    throw new UsageError(`serve: ${lines.join('\n')}`, { command: 'serve', cause: error })
  }
}
