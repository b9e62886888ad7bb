/**
 * A gateway whose clients come with tokens that tests sign themselves, so that roles and claims can be anything and can change
 * in mid-session; in front of a live broker. Everybody becomes the broker user `webuser`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Channel } from 'amqplib'
import { type ConfigInput, type Gateway, startGateway } from '../../src/index.ts'
import { type BrokerUser, type TestBroker, testBroker } from './broker.ts'
import { refuseCanariesOf } from './canary.ts'
import type { LogLine } from './door.ts'
import { RawClient } from './raw-client.ts'
import { type SlowLink, startSlowLink } from './slow-link.ts'
import { forgeKey, publicJwk, signToken } from './token-forge.ts'
import { until } from './until.ts'

const ISSUER = 'https://issuer.example.com'
const KEY = forgeKey('ES256', 'own')

type ServiceInput = Extract<ConfigInput['services'], readonly unknown[]>[number]

/** A token of somebody with these roles and claims. */
export function token(subject: string, roles: readonly string[] = [], claims: object = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 600
  const payload = { iss: ISSUER, aud: 'amqp', sub: subject, roles, exp, ...claims }
  return signToken({ alg: 'ES256', kid: KEY.kid }, payload, KEY)
}

export class PermissionGateway {
  readonly broker: TestBroker
  readonly webuser: BrokerUser
  readonly lines: readonly LogLine[]
  /** The administrator's own channel, straight to the broker. */
  readonly judge: Channel
  readonly gateway: Gateway
  readonly #folder: string
  readonly #link: SlowLink | undefined
  readonly #clients: RawClient[] = []

  constructor(parts: {
    broker: TestBroker
    webuser: BrokerUser
    lines: readonly LogLine[]
    judge: Channel
    gateway: Gateway
    folder: string
    link: SlowLink | undefined
  }) {
    this.broker = parts.broker
    this.webuser = parts.webuser
    this.lines = parts.lines
    this.judge = parts.judge
    this.gateway = parts.gateway
    this.#folder = parts.folder
    this.#link = parts.link
  }

  async connect(
    subject: string,
    roles: readonly string[] = [],
    options: { path?: string; claims?: object } = {},
  ): Promise<RawClient> {
    const { path = '/amqp', claims = {} } = options
    const headers = { authorization: `Bearer ${token(subject, roles, claims)}` }
    const client = await RawClient.overWebSocket(`${this.gateway.addresses[0]?.url}${path}`, headers)
    this.#clients.push(client)
    return client
  }

  /** The audit and log lines of an event so far. */
  events(event: string): LogLine[] {
    return this.lines.filter((line) => line['event'] === event)
  }

  /** Waits for the first such line that passes the check. */
  async event(event: string, check: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    return until(() => this.events(event).find(check), `the event ${event}`)
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close()
    try {
      await refuseCanariesOf(this.gateway, this.lines)
    } finally {
      await this.gateway.close()
      this.#link?.close()
      await this.broker.stop()
      await rm(this.#folder, { recursive: true, force: true })
    }
  }
}

/**
 * @param services what each path's service says beside the usual; one `/amqp` that says nothing when left out
 * @param distanceMs how long a byte is on its way between gateway and broker, where that is to be long
 * @param given a broker that the gateway's end stops, too; the shared one when left out
 */
export async function startPermissionGateway(
  services: Readonly<Record<string, Partial<ServiceInput>>> = { '/amqp': {} },
  distanceMs = 0,
  given?: TestBroker,
): Promise<PermissionGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tokens-'))
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [publicJwk(KEY)] }))
  const broker = given ?? (await testBroker())
  const webuser = await broker.user('webuser')
  const link = distanceMs === 0 ? undefined : await startSlowLink(broker, distanceMs)
  const lines: LogLine[] = []
  const config: ConfigInput = {
    listen: { host: '127.0.0.1', port: 0 },
    brokers: { main: { urls: [link?.url ?? broker.url], credentials: { webuser } } },
    authenticators: {
      own: { type: 'jwt', issuer: ISSUER, audience: 'amqp', jwksFile: 'keys.json', roles: 'roles' },
    },
    services: Object.entries(services).map(([path, service]) => ({
      path,
      broker: 'main',
      vhost: broker.vhost,
      authenticate: ['own'],
      promote: [{ to: 'webuser' }],
      ...service,
    })),
    drain: '0s',
  }
  const logTo = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) }
  const gateway = await startGateway(config, { folder, logTo })
  const judge = await (await broker.judge()).createChannel()
  return new PermissionGateway({ broker, webuser, lines, judge, gateway, folder, link })
}
