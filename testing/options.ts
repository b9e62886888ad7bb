/** What a test says of its gateway, and the configuration that becomes of it. */
import { type ConfigInput, hashPassword } from '../src/index.ts'
import type { BrokerPlace } from './broker.ts'
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from './issuer.ts'

type ServiceInput = Extract<ConfigInput['services'], readonly unknown[]>[number]

/** Quick to compute: it protects nothing but a test. */
const HASHING = { ln: 10, r: 8, p: 1 } as const

export const SERVICE_PATH = '/amqp'
export const KEYS_FILE = 'keys.json'

export interface TestUser {
  /** Without one they have tokens and tickets only. */
  readonly password?: string | undefined
  readonly roles?: readonly string[] | undefined
  readonly claims?: Readonly<Record<string, unknown>> | undefined
}

export interface TestGatewayOptions {
  /** `amqp://USER:PASSWORD@HOST:PORT/VHOST`; `guest` and `/` where it does not say. Default: `amqp://127.0.0.1:5672`. */
  readonly broker?: string | undefined
  /** Name → password, in plain text, or more about them. */
  readonly users?: Readonly<Record<string, string | TestUser>> | undefined
  /** Broker users beside the one of `broker`, name → password: for `promote`. */
  readonly brokerUsers?: Readonly<Record<string, string>> | undefined
  /**
   * Keys of the one service `/amqp`, as in the configuration: `permissions`, `promote`, `limits`, `origins`. Without `promote`
   * everybody is the user of `broker`; rules call that one `broker`.
   */
  readonly service?: Partial<ServiceInput> | undefined
  /** Has the last word on the configuration. */
  readonly configure?: ((config: ConfigInput) => ConfigInput) | undefined
}

const OPTIONS: readonly string[] = [
  'broker',
  'users',
  'brokerUsers',
  'service',
  'configure',
] satisfies readonly (keyof TestGatewayOptions)[]

/** Where nobody checks types, a misspelt `users` would mean a gateway without any. @throws TypeError */
export function checkOptions(options: TestGatewayOptions): void {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`startTestGateway has no option ${JSON.stringify(unknown)}; known: ${OPTIONS.join(', ')}`)
}

export function userNamed({ users = {} }: TestGatewayOptions, name: string): TestUser {
  const user = Object.hasOwn(users, name) ? users[name] : undefined
  return typeof user === 'string' ? { password: user } : (user ?? {})
}

export async function configOf(options: TestGatewayOptions, broker: BrokerPlace): Promise<ConfigInput> {
  const { brokerUsers = {}, service = {}, configure = (config: ConfigInput) => config } = options
  const people = await passwordUsers(options)
  const others = Object.entries(brokerUsers).map(([name, password]) => [name, login(name, password)] as const)
  return configure({
    listen: { host: '127.0.0.1', port: 0 },
    log: { level: 'debug', format: 'json' },
    drain: '0s',
    brokers: {
      main: {
        urls: [broker.url],
        credentials: { ...Object.fromEntries(others), broker: login(broker.username, broker.password) },
      },
    },
    authenticators: {
      ...(Object.keys(people).length > 0 && { people: { type: 'basic', realm: 'Test', users: people } }),
      tokens: { type: 'jwt', issuer: TOKEN_ISSUER, audience: TOKEN_AUDIENCE, jwksFile: KEYS_FILE, roles: 'roles' },
      tickets: { type: 'ticket' },
    },
    services: [
      {
        path: SERVICE_PATH,
        broker: 'main',
        vhost: literal(broker.vhost),
        authenticate: [...(Object.keys(people).length > 0 ? ['people'] : []), 'tokens', 'tickets'],
        promote: [{ to: 'broker' }],
        audit: { include: ['declare', 'bind', 'delete', 'consume', 'publish'] },
        ...service,
      },
    ],
  })
}

async function passwordUsers(options: TestGatewayOptions) {
  const found: Record<string, { password: string; roles: string[]; claims: Record<string, unknown> }> = {}
  for (const name of Object.keys(options.users ?? {})) {
    const { password, roles = [], claims = {} } = userNamed(options, name)
    if (password === undefined) continue
    found[name] = { password: await hashPassword(password, HASHING), roles: [...roles], claims: { ...claims } }
  }
  return found
}

/** Containers let `guest` in from everywhere, and the gateway of a test listens on loopback alone. */
function login(username: string, password: string) {
  return {
    username: literal(username),
    password: literal(password),
    ...(username === 'guest' && { allowLoopbackUser: true }),
  }
}

/** Nothing in it is filled in. */
function literal(text: string): string {
  return text.replaceAll('${', () => '$${')
}
