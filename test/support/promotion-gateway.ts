/**
 * A gateway whose people come with tokens of the test's own issuer, so that a test may make up anybody: any subject, any
 * role, any claim. Brokers, rules and secret files are the test's; the log is kept at every level.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import type { Fields, MethodName } from '../../proxy/codec/spec.ts'
import { type ConfigInput, type Gateway, startGateway } from '../../src/index.ts'
import {
  type AmqplibConnection,
  type AmqplibOptions,
  connectAmqplib,
  UpgradeRefused,
} from './amqplib-over-websocket.ts'
import { BareClient } from './bare-client.ts'
import { refuseCanariesOf } from './canary.ts'
import type { LogLine } from './door.ts'
import { CLIENT_PROPERTIES } from './session-rig.ts'
import { type ForgeKey, forgeKey, publicJwk, signToken } from './token-forge.ts'
import { until } from './until.ts'

export const ISSUER = 'https://issuer.example.com'
const key: ForgeKey = forgeKey('RS256', 'own')

type ServiceInput = Extract<ConfigInput['services'], readonly unknown[]>[number]

export interface PromotionGatewayOptions {
  readonly brokers: ConfigInput['brokers']
  /** Added to the service `/amqp` of the broker `main`, whose vhost is `/`. */
  readonly service: Partial<ServiceInput> & Pick<ServiceInput, 'promote'>
  readonly moreServices?: readonly ServiceInput[]
  readonly authenticators?: ConfigInput['authenticators']
  readonly secretKeys?: ConfigInput['secretKeys']
  readonly listen?: Partial<Extract<ConfigInput['listen'], { host?: unknown }>>
  /** Name below the gateway's folder → contents; readable by their owner only. */
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

/** How a client was kept out, or that it was not. */
export interface Outcome {
  /** HTTP status, or AMQP reply code. */
  readonly code: number
  /** WebSocket close code, where it came to one. */
  readonly closeCode?: number | undefined
  readonly text: string
}

export class PromotionGateway {
  readonly gateway: Gateway
  readonly folder: string
  /** The log as it was written, and read. */
  readonly written: readonly string[]
  readonly lines: readonly LogLine[]

  constructor(gateway: Gateway, folder: string, written: readonly string[], lines: readonly LogLine[]) {
    this.gateway = gateway
    this.folder = folder
    this.written = written
    this.lines = lines
  }

  /** Of a person of the test's issuer; by default `joe.smith`, for a minute. */
  token(claims: object = {}, lifeSeconds = 60): string {
    const exp = Math.floor(Date.now() / 1000) + lifeSeconds
    return signToken(
      { alg: 'RS256', kid: key.kid },
      { iss: ISSUER, aud: 'amqp', sub: 'joe.smith', exp, ...claims },
      key,
    )
  }

  /** amqplib as whoever the claims speak of, or with a token that is there already. */
  async connect(who: object | string = {}, options: AmqplibOptions = {}, path = '/amqp'): Promise<AmqplibConnection> {
    const authorization = `Bearer ${typeof who === 'string' ? who : this.token(who)}`
    const { websocket, ...rest } = options
    const headers = { authorization, ...websocket?.headers }
    return connectAmqplib(this.url(path), { ...rest, websocket: { ...websocket, headers } })
  }

  /** What a client sees who tries to get in; one that gets in is closed again, and sees 200. */
  async outcome(who: object | string = {}, path = '/amqp', vhost = '/'): Promise<Outcome> {
    const authorization = `Bearer ${typeof who === 'string' ? who : this.token(who)}`
    let client: BareClient
    try {
      client = await BareClient.upgrade(this.url(path), { headers: { authorization } })
    } catch (error) {
      if (!(error instanceof UpgradeRefused)) throw error
      return { code: error.status, text: error.body.trim() }
    }
    /** The method, or the close that came instead. */
    const heard = (name: MethodName) =>
      until(
        () => client.received.frames.find((frame) => frame.name === 'connection.close' || frame.name === name),
        name,
      )
    client.write(PROTOCOL_HEADER)
    await heard('connection.start')
    client.send('connection.start-ok', {
      clientProperties: CLIENT_PROPERTIES,
      mechanism: 'PLAIN',
      response: Buffer.from('\0CANARY-claimed-user\0CANARY-claimed-password'),
      locale: 'en_US',
    })
    let frame = await heard('connection.tune')
    if (frame.name === 'connection.tune') {
      client.send('connection.tune-ok', frame.fields as Fields<'connection.tune'>)
      client.send('connection.open', { virtualHost: vhost, reserved2: false })
      frame = await heard('connection.open-ok')
    }
    if (frame.name === 'connection.open-ok') {
      client.send('connection.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 })
      await client.closed
      return { code: 200, text: '' }
    }
    const { replyCode, replyText } = frame.fields as Fields<'connection.close'>
    client.send('connection.close-ok', {})
    return { code: replyCode, closeCode: (await client.closed).code, text: replyText }
  }

  url(path = '/amqp'): string {
    return `${this.gateway.addresses[0]?.url}${path}`
  }

  /** The first line of an event that passes the check, from the n-th line of the log on. */
  async line(event: string, check: (line: LogLine) => boolean = () => true, from = 0): Promise<LogLine> {
    const find = () => this.lines.slice(from).find((line) => line['event'] === event && check(line))
    return until(find, `log line ${event}`)
  }

  /** Replaces a file below the folder. */
  async write(name: string, text: string): Promise<void> {
    await writeSecret(this.folder, name, text)
  }

  async stop(): Promise<void> {
    try {
      await refuseCanariesOf(this.gateway, this.lines)
    } finally {
      await this.gateway.close()
      await rm(this.folder, { recursive: true, force: true })
    }
  }
}

/** Writes the public key of the test's issuer, as PEM, for brokers that check tokens. */
export async function writeIssuerKey(path: string): Promise<void> {
  await writeFile(path, key.publicKey.export({ type: 'spki', format: 'pem' }))
}

/** The same key as an identity provider publishes it. */
export function issuerJwk(): object {
  return publicJwk(key)
}

/** The id under which brokers know that key. */
export const ISSUER_KEY_ID = key.kid

/** A token of the test's issuer without any gateway: for token endpoints. */
export function issueToken(claims: object, lifeSeconds: number): string {
  const exp = Math.floor(Date.now() / 1000) + lifeSeconds
  return signToken({ alg: 'RS256', kid: key.kid }, { iss: ISSUER, exp, ...claims }, key)
}

/** Starts it; nothing is dialled before somebody connects. Call `stop` in `after`. */
export async function startPromotionGateway(options: PromotionGatewayOptions): Promise<PromotionGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tokens-'))
  const written: string[] = []
  const lines: LogLine[] = []
  const logTo = {
    write: (line: string) => {
      written.push(line)
      lines.push(JSON.parse(line) as LogLine)
    },
  }
  await writeSecret(folder, 'keys.json', JSON.stringify({ keys: [publicJwk(key)] }))
  for (const [name, text] of Object.entries(options.files ?? {})) await writeSecret(folder, name, text)
  const gateway = await startGateway(configOf(options), { folder, logTo, env: { ...options.env } }).catch(
    async (error: unknown) => {
      await rm(folder, { recursive: true, force: true })
      throw error
    },
  )
  return new PromotionGateway(gateway, folder, written, lines)
}

function configOf({
  brokers,
  service,
  moreServices = [],
  authenticators,
  listen,
  secretKeys,
}: PromotionGatewayOptions) {
  const sso = { type: 'jwt', issuer: ISSUER, audience: 'amqp', jwksFile: 'keys.json', roles: 'roles' } as const
  return {
    listen: { host: '127.0.0.1', port: 0, ...listen },
    admin: { port: 0 },
    log: { level: 'trace' },
    ...(secretKeys === undefined ? {} : { secretKeys }),
    brokers,
    authenticators: { sso, ...authenticators },
    services: [{ path: '/amqp', broker: 'main', vhost: '/', authenticate: ['sso'], ...service }, ...moreServices],
    drain: '0s',
  } satisfies ConfigInput
}

async function writeSecret(folder: string, name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true })
  await writeFile(join(folder, name), text, { mode: 0o600 })
}
