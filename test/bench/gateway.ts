/**
 * Gatehouse as a process of its own for the benchmarks: `gateway.ts SETTING BROKER_URL VHOST USER PASSWORD`, where the
 * setting says how much it does; prints its port.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, SignJWT } from 'jose'
import { hashPassword } from '../../auth/index.ts'
import { type ConfigInput, startGateway } from '../../src/gateway.ts'
import { collectLessOften } from '../../src/ops/heap.ts'
import type { Setting } from './relays.ts'

// As `gatehouse serve` does.
collectLessOften()

const [setting = 'promotion', url = '', vhost = '/', username = '', password = ''] = process.argv.slice(2)

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

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGTERM', () => process.exit())
process.stdin.on('end', () => process.exit()).resume()

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }] }
writeFileSync(join(folder, 'keys.json'), JSON.stringify(keys), { mode: 0o600 })
const users = { users: { 'joe.smith': { password: await hashPassword('welcome'), roles: ['trader'] } } }
writeFileSync(join(folder, 'users.yaml'), JSON.stringify(users), { mode: 0o600 })

const config: ConfigInput = {
  listen: { host: '127.0.0.1', port: 0 },
  log: { level: 'warn' },
  brokers: { main: { urls: [url], credentials: { bench: { username, password: { env: 'PASSWORD' } } } } },
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
      promote: [{ when: { role: 'trader' }, to: 'bench' }],
      limits: { sessionsPerIdentity: 100_000, handshakesPerAddress: 100_000 },
      ...(setting === ('promotion' satisfies Setting) ? {} : { permissions: PERMISSIONS }),
      ...(setting === ('everything' satisfies Setting) ? { stamp: STAMP, audit: AUDIT } : {}),
    },
  ],
}

/** Sessions of a benchmark are opened by the thousand: only what is wrong is shown. */
const complaints = { write: (line: string) => void (line.startsWith('{"level":"audit"') || process.stderr.write(line)) }
const gateway = await startGateway(config, { folder, env: { PASSWORD: password }, logTo: complaints })
const token = await new SignJWT({ roles: ['trader'] })
  .setProtectedHeader({ alg: 'ES256', kid: 'bench' })
  .setIssuer('https://idp.example.com')
  .setAudience('amqp')
  .setSubject('joe.smith')
  .setIssuedAt()
  .setExpirationTime('2h')
  .sign(privateKey)
process.stdout.write(`${gateway.addresses[0]?.port} ${token}\n`)
