/**
 * A private RabbitMQ node of the `rabbitmq-server` installed here: own epmd, name, cookie, ports, data, logs and plugins.
 * Debian's wrapper in /usr/sbin changes user and folders, so the script behind it is called; it runs as any user.
 */
import { randomBytes } from 'node:crypto'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { brokerConfig, enabledPlugins, withFilesAt } from './broker-config.ts'
import { BrokerLog } from './broker-log.ts'
import { findCommand, isExecutable } from './install.ts'
import { BrokerManagement } from './management.ts'
import { freePorts, type GuardedChild, runCommand, spawnGuarded } from './processes.ts'
import { accepts, type Peer, type Provision, type Rabbit } from './rabbit.ts'

const SCRIPT_FOLDERS = ['/usr/lib/rabbitmq/bin', '/opt/homebrew/sbin', '/usr/local/sbin', '/usr/local/lib/rabbitmq/bin']

/** Where RabbitMQ's scripts are; inside `root` when that is set. */
export interface ServerScripts {
  readonly folder: string
  readonly epmd: string
  readonly root: string
}

/** The scripts of an installed RabbitMQ, or undefined. */
export async function findServer(provision: Provision): Promise<ServerScripts | undefined> {
  const root = provision.root ?? ''
  const inPath = root === '' ? await findCommand('rabbitmq-server', provision.env) : undefined
  const folders = inPath === undefined ? SCRIPT_FOLDERS : [...SCRIPT_FOLDERS, dirname(inPath)]
  for (const folder of folders) {
    if (!(await isExecutable(join(root, folder, 'rabbitmq-server')))) continue
    const epmd = root === '' ? await findCommand('epmd', provision.env) : '/usr/bin/epmd'
    if (epmd === undefined) throw new Error(`${folder}/rabbitmq-server is there, but no epmd in PATH`)
    return { folder, epmd, root }
  }
  return undefined
}

/** Ports of one node; kept over restarts. */
interface Ports {
  readonly amqp: number
  readonly tls: number
  readonly management: number
  readonly distribution: number
  readonly epmd: number
  readonly tools: number
}

/** Starts the node and returns when it accepts AMQP connections and its management API answers. */
export async function startNode(scripts: ServerScripts, provision: Provision): Promise<Rabbit> {
  for (let attempt = 1; ; attempt++) {
    const [amqp = 0, tls = 0, management = 0, distribution = 0, own = 0, tools = 0] = await freePorts(6)
    const epmd = provision.peer?.epmdPort ?? own
    const node = await PrivateNode.create(scripts, provision, { amqp, tls, management, distribution, epmd, tools })
    try {
      return await node.start()
    } catch (error) {
      await node.stop()
      // Somebody took a port between our look and the node's.
      if (attempt === 3 || !/eaddrinuse/i.test(String(error))) throw error
    }
  }
}

class PrivateNode {
  readonly #scripts: ServerScripts
  readonly #provision: Provision
  readonly #ports: Ports
  /** As we see it. */
  readonly #folder: string
  /** As the node sees it. */
  readonly #inside: string
  readonly #admin: Rabbit['admin']
  /** As other nodes see it. */
  readonly #peer: Peer
  readonly #log = new BrokerLog()
  readonly #management: BrokerManagement
  #epmd: GuardedChild | undefined
  #server: GuardedChild | undefined

  static async create(scripts: ServerScripts, provision: Provision, ports: Ports): Promise<PrivateNode> {
    const folder = await mkdtemp(
      join(scripts.root === '' ? tmpdir() : join(scripts.root, 'tmp'), 'gatehouse-rabbitmq-'),
    )
    return new PrivateNode(scripts, provision, ports, folder)
  }

  private constructor(scripts: ServerScripts, provision: Provision, ports: Ports, folder: string) {
    this.#scripts = scripts
    this.#provision = provision
    this.#ports = ports
    const secret = () => randomBytes(16).toString('hex')
    this.#admin = provision.peer?.admin ?? { username: 'gatehouse-admin', password: secret() }
    this.#peer = {
      name: `gatehouse-${ports.amqp}@localhost`,
      cookie: provision.peer?.cookie ?? secret(),
      epmdPort: ports.epmd,
      admin: this.#admin,
    }
    this.#folder = folder
    this.#inside = folder.slice(scripts.root.length)
    this.#management = new BrokerManagement(
      `http://127.0.0.1:${ports.management}`,
      this.#admin.username,
      this.#admin.password,
    )
  }

  async start(): Promise<Rabbit> {
    await this.#writeFiles()
    if (this.#provision.peer === undefined)
      this.#epmd = await spawnGuarded(this.#command(this.#scripts.epmd), { env: this.#environment() })
    await this.#boot()
    const version = await this.#management.version()
    const { username, password } = this.#admin
    return {
      kind: 'node',
      version,
      host: '127.0.0.1',
      port: this.#ports.amqp,
      ...(this.#provision.tls ? { tlsPort: this.#ports.tls } : {}),
      url: `amqp://${username}:${password}@127.0.0.1:${this.#ports.amqp}`,
      admin: this.#admin,
      management: this.#management,
      peer: this.#peer,
      logFile: join(this.#folder, 'log', 'rabbit.log'),
      log: () => this.#log.text,
      ctl: (...args) => this.#ctl(args),
      evaluate: (expression) => this.#ctl(['eval', expression]),
      halt: (signal) => this.#halt(signal),
      restart: async () => {
        await this.#halt('SIGTERM')
        await this.#boot()
      },
      stop: () => this.stop(),
    }
  }

  async stop(): Promise<void> {
    await this.#server?.kill()
    await this.#epmd?.kill()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #writeFiles(): Promise<void> {
    const provision = withFilesAt(await this.#withOwnFiles(), this.#inside)
    const files: Record<string, string> = {
      ...provision.files,
      'rabbitmq.conf': brokerConfig(provision, this.#ports, this.#admin),
      enabled_plugins: enabledPlugins(provision),
      'environment.conf': '',
      '.erlang.cookie': this.#peer.cookie,
    }
    if (provision.advancedConfig !== undefined) files['advanced.config'] = provision.advancedConfig
    for (const name of ['data', 'log', 'config']) await mkdir(join(this.#folder, name))
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.#folder, name), text)
    await chmod(join(this.#folder, '.erlang.cookie'), 0o400)
  }

  /** The provision with its TLS files in the node's folder, where it finds them in whatever root it runs. */
  async #withOwnFiles(): Promise<Provision> {
    const { tls } = this.#provision
    if (tls === undefined) return this.#provision
    const copies = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' }
    for (const part of ['ca', 'cert', 'key'] as const) {
      await copyFile(tls[part], join(this.#folder, copies[part]))
      copies[part] = `${this.#inside}/${copies[part]}`
    }
    return { ...this.#provision, tls: { ...tls, ...copies } }
  }

  /** The machine's own RabbitMQ settings are kept out. */
  #environment(): NodeJS.ProcessEnv {
    const outside = Object.entries(this.#provision.env).filter(([name]) => !/^(RABBITMQ_|ERL_)/.test(name))
    const loopback = '-kernel inet_dist_use_interface {127,0,0,1}'
    return {
      ...Object.fromEntries(outside),
      HOME: this.#inside,
      ERL_CRASH_DUMP_SECONDS: '0',
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: String(this.#ports.epmd),
      RABBITMQ_NODENAME: this.#peer.name,
      RABBITMQ_DIST_PORT: String(this.#ports.distribution),
      RABBITMQ_CONF_ENV_FILE: `${this.#inside}/environment.conf`,
      RABBITMQ_CONFIG_FILE: `${this.#inside}/rabbitmq.conf`,
      RABBITMQ_ADVANCED_CONFIG_FILE: `${this.#inside}/advanced.config`,
      RABBITMQ_ENABLED_PLUGINS_FILE: `${this.#inside}/enabled_plugins`,
      RABBITMQ_GENERATED_CONFIG_DIR: `${this.#inside}/config`,
      RABBITMQ_MNESIA_BASE: `${this.#inside}/data`,
      RABBITMQ_LOG_BASE: `${this.#inside}/log`,
      RABBITMQ_PID_FILE: `${this.#inside}/pid`,
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${loopback} -start_epmd false`,
      RABBITMQ_CTL_ERL_ARGS: loopback,
      RABBITMQ_CTL_DIST_PORT_MIN: String(this.#ports.tools),
      RABBITMQ_CTL_DIST_PORT_MAX: String(this.#ports.tools + 8),
    }
  }

  #command(path: string, ...args: readonly string[]): string[] {
    return this.#scripts.root === '' ? [path, ...args] : ['chroot', this.#scripts.root, path, ...args]
  }

  async #boot(): Promise<void> {
    this.#log.expect(/Server startup complete|completed with \d+ plugins/)
    const server = await spawnGuarded(this.#command(`${this.#scripts.folder}/rabbitmq-server`), {
      env: this.#environment(),
      folder: this.#folder,
      output: (text) => this.#log.add(text),
    })
    this.#server = server
    void server.ended.then(() => this.#log.end())
    const complete = await this.#log.expected(this.#provision.startDeadlineMs)
    if (!complete || !(await accepts('127.0.0.1', this.#ports.amqp))) {
      const why = server.hasEnded() ? 'ended while starting' : `was not up after ${this.#provision.startDeadlineMs} ms`
      throw new Error(`rabbitmq-server ${why}; it logged:\n${this.#log.text.slice(-8_000)}`)
    }
  }

  async #halt(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const server = this.#server
    if (server === undefined || server.hasEnded()) return
    if (signal === 'SIGTERM') {
      process.kill(Number(await readFile(join(this.#folder, 'pid'), 'utf8')), 'SIGTERM')
      const tooLate = setTimeout(() => void server.kill(), 30_000)
      await server.ended
      clearTimeout(tooLate)
    } else {
      await server.kill()
    }
    // The group's leader is gone at once, a large process of it needs a moment.
    const endMs = performance.now() + 5_000
    while (performance.now() < endMs && (await accepts('127.0.0.1', this.#ports.amqp))) await setImmediate()
  }

  async #ctl(args: readonly string[]): Promise<string> {
    const command = this.#command(`${this.#scripts.folder}/rabbitmqctl`, '-q', ...args)
    const { code, output } = await runCommand(command, { env: this.#environment() })
    if (code !== 0) throw new Error(`rabbitmqctl ${args.join(' ')} failed with ${code}:\n${output}`)
    return output.trim()
  }
}
