/**
 * A file of deploy/ as it is run: the real proxy, two gateways that share their state behind it, RabbitMQ behind those, and
 * clients with an address of their own in front.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashPassword } from '../../auth/index.ts'
import { freePorts } from '../../src/demo/processes.ts'
import { type ConfigInput, type Gateway, startGateway } from '../../src/index.ts'
import { type AmqplibConnection, connectAmqplib } from './amqplib-over-websocket.ts'
import { type TestBroker, testBroker } from './broker.ts'
import { type Certificates, createCertificates } from './certificates.ts'
import { CookieBrowser } from './cookie-browser.ts'
import { type LogLine, ORIGIN, PASSWORD } from './door.ts'
import { FakeOpenidProvider } from './fake-openid-provider.ts'
import { type FrontFile, type FrontPorts, frontFile, GATEWAY_ADDRESSES } from './front-file.ts'
import { fetchOver } from './https-fetch.ts'
import { type Redis, startRedis } from './redis.ts'
import { type ReverseProxy, startHaproxyFile, startNginxFile } from './reverse-proxy.ts'
import { STATE_KEY } from './state/shared-rig.ts'

export const CLIENT_ADDRESS = '127.0.0.7'
export const PROXY_SECRET = 'CANARY-secret-of-another-proxy'
export const PAGE_MODULE = 'export const answer = 42\n'

export interface FrontCase {
  /** Below deploy/. */
  readonly file: string
  readonly kind: 'haproxy' | 'nginx' | 'nginx-stream'
  /** Whether TLS ends at the gateways. */
  readonly passesTls: boolean
  /** What paths begin with. */
  readonly base: string
  /** Where a module of the pages is, in whose folder. */
  readonly module?: { readonly path: string; readonly root: string }
}

export class FrontScene {
  readonly origin: string
  readonly gateways: readonly Gateway[]
  readonly lines: readonly LogLine[]
  readonly provider: FakeOpenidProvider
  readonly base: string
  readonly #certificates: Certificates
  readonly #proxy: ReverseProxy
  readonly #accessLog: string
  readonly #stops: readonly (() => unknown)[]

  constructor(parts: {
    port: number
    base: string
    gateways: readonly Gateway[]
    lines: readonly LogLine[]
    provider: FakeOpenidProvider
    certificates: Certificates
    proxy: ReverseProxy
    accessLog: string
    stops: readonly (() => unknown)[]
  }) {
    this.origin = originOf(parts.port)
    this.base = parts.base
    this.gateways = parts.gateways
    this.lines = parts.lines
    this.provider = parts.provider
    this.#certificates = parts.certificates
    this.#proxy = parts.proxy
    this.#accessLog = parts.accessLog
    this.#stops = parts.stops
  }

  /** A URL of the host, below the path of the gateways. */
  url(path: string): string {
    return `${this.origin}${this.base}${path}`
  }

  browser(): CookieBrowser {
    return new CookieBrowser(fetchOver({ ca: this.#certificates.authority.ca, localAddress: CLIENT_ADDRESS }))
  }

  connect(path: string, headers: Record<string, string>, origin?: string): Promise<AmqplibConnection> {
    const { ca } = this.#certificates.authority
    return connectAmqplib(this.url(path).replace('https', 'wss'), {
      websocket: { family: 4, localAddress: CLIENT_ADDRESS, ca, headers, ...(origin === undefined ? {} : { origin }) },
    })
  }

  /** What the proxy wrote so far, its log of requests included. */
  async proxyOutput(): Promise<string> {
    const log = await readFile(this.#accessLog, 'utf8').catch(() => '')
    return this.#proxy.output() + log
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop()
  }
}

export async function startFrontScene(front: FrontCase): Promise<FrontScene> {
  const [port = 0, gateway = 0, admin = 0] = await freePorts(3)
  const ports: FrontPorts = { front: port, gateway, admin }
  const stops: (() => unknown)[] = []
  try {
    const certificates = await createCertificates()
    stops.unshift(() => certificates.remove())
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-front-'))
    stops.unshift(() => rm(folder, { recursive: true, force: true }))
    const provider = new FakeOpenidProvider()
    await provider.start()
    provider.metadata = { revocation_endpoint: `${provider.issuer}/revoke` }
    stops.unshift(() => provider.stop())
    const broker = await testBroker()
    stops.unshift(() => broker.stop())
    const redis = await startRedis()
    stops.unshift(() => redis.stop())
    const file = frontFile(front.file, ports, await ownFiles(front, certificates, folder))
    const lines: LogLine[] = []
    const logTo = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) }
    const rest = await commonConfig({ broker, redis, provider, origin: originOf(port) })
    const gateways: Gateway[] = []
    for (const host of GATEWAY_ADDRESSES) {
      const config = { ...rest, ...gatewayKeys(file.keys, { host, ports, certificates }) }
      const started = await startGateway(config, { logTo })
      gateways.push(started)
      stops.unshift(() => started.close())
    }
    const proxy = await startProxyOf(front, port, file.text)
    stops.unshift(() => proxy.stop())
    const accessLog = accessLogIn(folder)
    return new FrontScene({ port, base: front.base, gateways, lines, provider, certificates, proxy, accessLog, stops })
  } catch (error) {
    for (const stop of stops) await stop()
    throw error
  }
}

const accessLogIn = (folder: string): string => join(folder, 'access.log')
const originOf = (port: number): string => `https://localhost:${port}`

async function startProxyOf({ kind }: FrontCase, port: number, text: string): Promise<ReverseProxy> {
  if (kind === 'haproxy') return await startHaproxyFile(port, text)
  return await startNginxFile(port, text, kind === 'nginx' ? 'http' : 'stream')
}

/** Certificates and pages of the proxy, in the place of those that the file names. */
async function ownFiles(
  { kind, passesTls, module }: FrontCase,
  { server }: Certificates,
  folder: string,
): Promise<readonly (readonly [string | RegExp, string])[]> {
  if (passesTls) return []
  if (kind === 'haproxy') {
    const both = join(folder, 'both.pem')
    await writeFile(both, server.cert + server.key, { mode: 0o600 })
    return [[/\/etc\/haproxy\/\w+\.pem/g, both]]
  }
  const pages = join(folder, 'pages')
  // Workers of nginx are another user.
  await chmod(folder, 0o755)
  await mkdir(join(pages, 'pages'), { recursive: true })
  for (const place of ['app.mjs', 'pages/app.mjs']) await writeFile(join(pages, place), PAGE_MODULE)
  return [
    ['/etc/nginx/tls/fullchain.pem', server.certFile],
    ['/etc/nginx/tls/privkey.pem', server.keyFile],
    ['access_log /var/log/nginx/gatehouse.log', `access_log ${accessLogIn(folder)}`],
    [`root ${module?.root}`, `root ${pages}`],
  ]
}

function gatewayKeys(
  keys: FrontFile['keys'],
  { host, ports, certificates }: { host: string; ports: FrontPorts; certificates: Certificates },
): Pick<ConfigInput, 'listen' | 'admin' | 'basePath'> {
  const { listen } = keys
  if (listen === undefined || Array.isArray(listen)) throw new Error('expected one listener')
  const { certFile: cert, keyFile: key } = certificates.server
  const tls = 'tls' in listen && listen.tls !== undefined ? { tls: { cert, key } } : {}
  return {
    ...keys,
    listen: { ...listen, host, port: ports.gateway, ...tls } as ConfigInput['listen'],
    admin: { ...keys.admin, host, port: ports.admin },
  }
}

async function commonConfig(of: {
  broker: TestBroker
  redis: Redis
  provider: FakeOpenidProvider
  origin: string
}): Promise<Omit<ConfigInput, 'listen'>> {
  const { broker, redis, provider, origin } = of
  const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
  return {
    log: { level: 'debug' },
    state: { urls: [redis.url], key: STATE_KEY, timeout: '5s' },
    brokers: { main: { urls: [broker.url], credentials: { smithj: await broker.user('smithj') } } },
    authenticators: {
      staff: { type: 'basic', realm: 'Staff', users: { 'joe.smith': { password, roles: [] } } },
      tickets: { type: 'ticket' },
      portal: { type: 'oidc', issuer: provider.issuer, clientId: 'gatehouse', publicUrl: origin },
      elsewhere: { type: 'forwarded', trustedProxies: ['127.0.0.1'], secret: PROXY_SECRET },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: broker.vhost,
        origins: [ORIGIN, origin],
        authenticate: ['staff', 'tickets', 'portal', 'elsewhere'],
        promote: [{ to: 'smithj' }],
        refusal: 'http',
      },
    ],
    drain: { over: '0s', quiet: '1s', lameDuck: '0s' },
  }
}
