/**
 * A private RabbitMQ in a Docker container, its ports published on 127.0.0.1 only. Files are copied in, so that a Docker
 * engine that does not share our file system works too.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokerConfig, enabledPlugins, withFilesAt } from './broker-config.ts'
import { BrokerLog } from './broker-log.ts'
import { BrokerManagement } from './management.ts'
import { freePorts, type GuardedChild, onOurEnd, runCommand, spawnGuarded } from './processes.ts'
import type { Provision, Rabbit } from './rabbit.ts'

const IMAGE = 'rabbitmq:4-management'
const INSIDE = { amqp: 5672, tls: 5671, management: 15672 }

/** Whether there is a Docker engine that this user may use. */
export async function dockerWorks(provision: Pick<Provision, 'env'>): Promise<boolean> {
  return (await runCommand(['docker', 'info'], { env: provision.env, deadlineMs: 15_000 })).code === 0
}

export async function startContainer(provision: Provision): Promise<Rabbit> {
  provision.say(`starting RabbitMQ in Docker (${IMAGE}) …`)
  const [amqp = 0, tls = 0, management = 0] = await freePorts(3)
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-rabbitmq-'))
  const name = `gatehouse-${randomBytes(6).toString('hex')}`
  const admin = { username: 'gatehouse-admin', password: randomBytes(12).toString('hex') }
  const api = new BrokerManagement(`http://127.0.0.1:${management}`, admin.username, admin.password)
  const log = new BrokerLog()
  const lastWord = await onOurEnd(['docker', 'rm', '--force', '--volumes', name], folder)
  let follower: GuardedChild | undefined

  async function docker(...args: readonly string[]): Promise<string> {
    const { code, output } = await runCommand(['docker', ...args], { env: provision.env, deadlineMs: 300_000 })
    if (code !== 0)
      throw new Error(`docker ${args.slice(0, 2).join(' ')} failed with ${code}:\n${output.slice(-4_000)}`)
    return output.trim()
  }

  async function boot(): Promise<void> {
    log.expect(/Server startup complete/)
    await docker('start', name)
    const since = await docker('inspect', '--format', '{{.State.StartedAt}}', name)
    follower = await spawnGuarded(['docker', 'logs', '--follow', '--since', since, name], {
      env: provision.env,
      output: (text) => log.add(text),
    })
    void follower.ended.then(() => log.end())
    if (!(await log.expected(provision.startDeadlineMs))) {
      throw new Error(`RabbitMQ did not start in its container; it logged:\n${log.text.slice(-8_000)}`)
    }
  }

  async function halt(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await docker(...(signal === 'SIGTERM' ? ['stop', '--time', '30', name] : ['kill', name]))
    await follower?.kill()
  }

  async function stop(): Promise<void> {
    await follower?.kill()
    await runCommand(['docker', 'rm', '--force', '--volumes', name], { env: provision.env })
    await lastWord.kill()
    await rm(folder, { recursive: true, force: true })
  }

  const ctl = (...args: readonly string[]) => docker('exec', name, 'rabbitmqctl', '-q', ...args)
  try {
    const publish = [`${amqp}:5672`, `${tls}:5671`, `${management}:15672`].flatMap((at) => ['-p', `127.0.0.1:${at}`])
    await docker('create', '--name', name, '--hostname', 'gatehouse', ...publish, IMAGE)
    for (const [inside, content] of await filesFor(provision, admin)) {
      // Readable for the container's own user, whoever that is.
      await writeFile(join(folder, 'file'), content, { mode: 0o644 })
      await docker('cp', join(folder, 'file'), `${name}:${inside}`)
    }
    await boot()
    return {
      kind: 'container',
      version: await api.version(),
      host: '127.0.0.1',
      port: amqp,
      ...(provision.tls ? { tlsPort: tls } : {}),
      url: `amqp://${admin.username}:${admin.password}@127.0.0.1:${amqp}`,
      admin,
      management: api,
      log: () => log.text,
      ctl,
      evaluate: (expression) => ctl('eval', expression),
      halt,
      restart: async () => {
        await halt('SIGTERM')
        await boot()
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Path inside the container → what is there. */
async function filesFor(provision: Provision, admin: Rabbit['admin']): Promise<Map<string, string | Buffer>> {
  const files = new Map<string, string | Buffer>()
  let options = withFilesAt(provision, '/etc/rabbitmq')
  if (provision.tls) {
    const inside = { ca: '/etc/rabbitmq/ca.pem', cert: '/etc/rabbitmq/cert.pem', key: '/etc/rabbitmq/key.pem' }
    for (const part of ['ca', 'cert', 'key'] as const) files.set(inside[part], await readFile(provision.tls[part]))
    options = { ...options, tls: { ...provision.tls, ...inside } }
  }
  files.set('/etc/rabbitmq/conf.d/20-gatehouse.conf', brokerConfig(options, INSIDE, admin, '0.0.0.0'))
  files.set('/etc/rabbitmq/enabled_plugins', enabledPlugins(provision))
  if (options.advancedConfig !== undefined) files.set('/etc/rabbitmq/advanced.config', options.advancedConfig)
  for (const [name, text] of Object.entries(options.files ?? {})) files.set(`/etc/rabbitmq/${name}`, text)
  return files
}
