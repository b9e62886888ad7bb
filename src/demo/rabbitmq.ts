/**
 * A real RabbitMQ for the demo and the tests, from wherever one can be had: `RABBITMQ_URL`, `rabbitmq-server` on the
 * machine, Docker, or, as root on Debian and Ubuntu, the package (announced first). What is started here is private:
 * own node, own ports on 127.0.0.1 only, own folder; it is ended by process group and its folder removed, however we end.
 */
import { dockerWorks, startContainer } from './broker-container.ts'
import { startExternal } from './broker-external.ts'
import { findServer, startNode } from './broker-node.ts'
import { installPackage, mayInstallPackages } from './install.ts'
import type { Provision, Rabbit, RabbitOptions } from './rabbit.ts'

export type { Rabbit, RabbitOptions } from './rabbit.ts'

const NO_BROKER = `No RabbitMQ can be had here. Do one of these:
  - set RABBITMQ_URL=amqp://user:password@host:5672 to one with the management plugin, where that user is an administrator
    (and RABBITMQ_MANAGEMENT_URL, when its HTTP API is not at port 15672 of the same host);
  - install RabbitMQ (Debian, Ubuntu: apt-get install rabbitmq-server; macOS: brew install rabbitmq);
  - start Docker, so that "docker info" works for this user.`

/** Starts (or finds) a RabbitMQ. @throws Error whose message says what to do when none can be had, or what it logged. */
export async function startRabbit(options: RabbitOptions = {}): Promise<Rabbit> {
  const env = options.env ?? process.env
  const root = options.root ?? env['RABBITMQ_ROOT']
  const provision: Provision = {
    ...options,
    ...(root ? { root } : {}),
    say: options.say ?? ((line) => process.stderr.write(`${line}\n`)),
    env,
    startDeadlineMs: options.startDeadlineMs ?? 90_000,
  }
  const url = provision.env['RABBITMQ_URL']
  if (url !== undefined && url !== '' && options.source !== 'private') return startExternal(url, provision)

  const rabbit = await startPrivate(provision)
  try {
    if (options.definitions !== undefined) await rabbit.management.importDefinitions(options.definitions)
  } catch (error) {
    await rabbit.stop()
    throw error
  }
  return rabbit
}

async function startPrivate(provision: Provision): Promise<Rabbit> {
  const server = await findServer(provision)
  if (server) return startNode(server, provision)
  if (provision.root !== undefined) throw new Error(`there is no RabbitMQ in the root folder ${provision.root}`)
  if (await dockerWorks(provision)) return startContainer(provision)
  if (await mayInstallPackages(provision.env)) {
    await installPackage('rabbitmq-server', provision)
    const installed = await findServer(provision)
    if (installed) return startNode(installed, provision)
  }
  throw new Error(NO_BROKER)
}
