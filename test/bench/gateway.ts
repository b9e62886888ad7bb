/**
 * Gatehouse as its users run it, for the benchmarks: the built command with a configuration of its own. The setting says
 * how much it does.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, SignJWT } from 'jose'
import { hashPassword } from '../../auth/index.ts'
import { freePorts } from '../../src/demo/processes.ts'
import type { Rabbit } from '../../src/demo/rabbitmq.ts'
import type { ConfigInput } from '../../src/index.ts'
import { MALLOC_ENVIRONMENT, NODE_OPTIONS } from '../support/node-options.ts'

/** Where this version is built. */
const HERE = join(import.meta.dirname, '../..')

const commandOf = (checkout: string): string => join(checkout, 'dist/src/main.js')

/** As it is built. */
export const COMMAND: string = commandOf(HERE)

/** How much Gatehouse does: identity alone; and permissions; and stamps and audit; permissions beside so many of others. */
export type Setting = 'promotion' | 'permissions' | 'everything' | 'ten of each' | '10,000 of each'

/** Rules and permissions that name one other person each. */
const OTHERS: Readonly<Partial<Record<Setting, number>>> = { 'ten of each': 9, '10,000 of each': 9_999 }

export interface BenchBroker {
  readonly rabbit: Rabbit
  readonly vhost: string
  readonly user: string
  readonly password: string
}

/** What users of the benchmark may do: enough for every scenario, so that each check says yes. */
const PERMISSIONS = [
  {
    for: { role: 'trader' },
    configure: [{ queue: 'bench.*' }, { queue: '' }],
    write: [{ queue: 'bench.*' }, { exchange: 'bench.*', routingKey: 'bench.#' }],
    read: [{ queue: 'bench.*' }, { exchange: 'bench.*', routingKey: '#' }],
  },
]

const STAMP = { userId: 'broker', appId: 'bench', headers: { 'x-gatehouse-user': `\${subject}` } } as const

const AUDIT: { include: ('declare' | 'bind' | 'delete' | 'consume' | 'publish')[] } = {
  include: ['declare', 'bind', 'delete', 'consume', 'publish'],
}

export interface BenchGateway {
  readonly child: ChildProcess
  readonly port: number
  /** Of the person who is `joe.smith` with the password `welcome`. */
  readonly token: string
}

/** For a benchmark that ends by an uncaught error or a signal; otherwise whoever asked for a process ends it. */
const leftovers = new Set<() => void>()
process.once('exit', () => {
  for (const remove of leftovers) remove()
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

interface HowToStart {
  /** Of Node.js. */
  readonly options?: readonly string[]
  /** Instead of a plain listener. */
  readonly listen?: (port: number) => ConfigInput['listen']
  /** How many processes. */
  readonly workers?: number
  /** The folder of another version, which is built. */
  readonly checkout?: string
}

/**
 * Starts it and does not wait for it; the caller ends the child.
 * @throws where the command was not built
 */
export async function spawnGateway(
  setting: Setting,
  broker: BenchBroker,
  { options = [], listen, workers, checkout = HERE }: HowToStart = {},
): Promise<BenchGateway> {
  const command = commandOf(checkout)
  if (!existsSync(command)) throw new Error(`there is no build to measure: npm run build in ${checkout}`)
  const [port = 0] = await freePorts(1)
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  leftovers.add(() => rmSync(folder, { recursive: true, force: true }))
  const write = (name: string, content: unknown): string => {
    const path = join(folder, name)
    writeFileSync(path, JSON.stringify(content), { mode: 0o600 })
    return path
  }
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  write('keys.json', { keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }] })
  write('users.yaml', { users: { 'joe.smith': { password: await hashPassword('welcome'), roles: ['trader'] } } })
  const config = configOf(setting, broker, port)
  // An older version knows only the keys that it needs: `workers` is left out where nobody asks for it.
  const file = write('gatehouse.yaml', { ...config, listen: listen?.(port) ?? config.listen, workers })
  const token = await new SignJWT({ roles: ['trader'] })
    .setProtectedHeader({ alg: 'ES256', kid: 'bench' })
    .setIssuer('https://idp.example.com')
    .setAudience('amqp')
    .setSubject('joe.smith')
    .setIssuedAt()
    .setExpirationTime('2h')
    .sign(privateKey)
  // Last, so that nothing that fails here leaves it behind.
  const child = spawn(process.execPath, [...NODE_OPTIONS, ...options, command, 'serve', '-c', file], {
    env: { ...process.env, ...MALLOC_ENVIRONMENT, PASSWORD: broker.password },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  leftovers.add(() => child.kill())
  return { child, port, token }
}

/** `gatehouse connect` for whoever `spawnGateway` lets in; its first line on standard error says that it listens. */
export async function spawnConnect(
  url: string,
  options: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const [port = 0] = await freePorts(1)
  const args = ['connect', url, '--user', 'joe.smith', '--listen', `127.0.0.1:${port}`]
  const child = spawn(process.execPath, [...NODE_OPTIONS, ...options, COMMAND, ...args], {
    env: { ...process.env, ...MALLOC_ENVIRONMENT, GATEHOUSE_PASSWORD: 'welcome' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  leftovers.add(() => child.kill())
  return { child, port }
}

function configOf(setting: Setting, { rabbit, vhost, user }: BenchBroker, port: number): ConfigInput {
  const url = `amqp://${rabbit.host}:${rabbit.port}`
  const others = Array.from({ length: OTHERS[setting] ?? 0 }, (_, number) => `person.${number}`)
  return {
    listen: { host: '127.0.0.1', port },
    log: { level: 'warn' },
    brokers: { main: { urls: [url], credentials: { bench: { username: user, password: { env: 'PASSWORD' } } } } },
    authenticators: {
      staff: { type: 'basic', realm: 'Staff', users: 'users.yaml' },
      sso: {
        type: 'jwt',
        issuer: 'https://idp.example.com',
        audience: 'amqp',
        jwksFile: 'keys.json',
        roles: 'roles',
        from: ['bearer'],
      },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost,
        authenticate: ['staff', 'sso'],
        promote: [
          ...others.map((subject) => ({ when: { subject }, to: 'bench' })),
          { when: { role: 'trader' }, to: 'bench' },
        ],
        limits: { sessionsPerIdentity: 100_000, handshakesPerAddress: 100_000 },
        ...(setting === ('promotion' satisfies Setting)
          ? {}
          : {
              permissions: [
                ...others.map((subject) => ({ for: { subject }, write: [{ exchange: `${subject}.*` }] })),
                ...PERMISSIONS,
              ],
            }),
        ...(setting === ('everything' satisfies Setting) ? { stamp: STAMP, audit: AUDIT } : {}),
      },
    ],
  }
}
