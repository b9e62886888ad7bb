/**
 * A gateway in a process of its own with a secret of every kind in it, between two taps, in front of a RabbitMQ of its own
 * that logs all it can: the stage on which secrets are looked for where they should not be.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encrypt, hashPassword, parseKeys, Secret } from '../../auth/index.ts'
import type { TestBroker } from './broker.ts'
import { canary } from './canary.ts'
import { type Certificates, createCertificates } from './certificates.ts'
import { CommandProcess } from './command-process.ts'
import { privateBroker } from './live-gateway.ts'
import { ISSUER, ISSUER_KEY_ID, issuerJwk, issueToken, writeIssuerKey } from './promotion-gateway.ts'
import { startTap, type Tap } from './tap.ts'
import { runCommand } from './terminal.ts'

/** Passwords of broker users, of which each comes to the gateway in its own way. */
export const BROKER_SECRETS = ['text', 'environment', 'file', 'encrypted', 'module', 'template'] as const
const OTHERS = ['wrong', 'client-secret', 'basic', 'claimed', 'guessed', 'garbage'] as const

const SCOPES = ['rabbit.configure:*/*', 'rabbit.write:*/*', 'rabbit.read:*/*']
/** Life of the tokens that the gateway gets for itself. */
const MACHINE_SECONDS = 4

export class CanaryScene {
  /** What is searched for, by name. Tokens and tickets are added as they are made. */
  readonly secrets: Record<string, string> = {}
  readonly folder = mkdtempSync(join(tmpdir(), 'gatehouse-canary-'))
  /** Broker users by the name of their secret. */
  readonly users: Record<string, string> = {}
  readonly file: string
  broker!: TestBroker
  /** Between gateway and broker. */
  brokerTap!: Tap
  /** Between clients and gateway. */
  clientTap!: Tap
  command!: CommandProcess
  tokenCount = 0
  /** Of these, the tokens that the gateway got for itself. */
  machineTokenCount = 0
  #certificates!: Certificates
  #endpoint!: Server

  private constructor() {
    this.file = join(this.folder, 'gatehouse.yaml')
    for (const kind of [...BROKER_SECRETS, ...OTHERS]) this.secrets[kind] = canary(kind)
    this.secrets['forwarded'] = canary('forwarded').replace('é', '')
  }

  static async start(): Promise<CanaryScene> {
    const scene = new CanaryScene()
    try {
      await scene.#start()
    } catch (error) {
      await scene.stop()
      throw error
    }
    return scene
  }

  async stop(): Promise<void> {
    await this.command?.kill()
    await this.clientTap?.close()
    await this.brokerTap?.close()
    this.#endpoint?.close()
    await this.broker?.stop()
    await this.#certificates?.remove()
    rmSync(this.folder, { recursive: true, force: true })
  }

  secret(kind: string): string {
    const found = this.secrets[kind]
    if (found === undefined) throw new Error(`no secret of the kind ${kind}`)
    return found
  }

  /** As far as a header can carry it. */
  forHeader(kind: string): string {
    return this.secret(kind).replace('é', '')
  }

  /** A person's own token, which the broker takes too. */
  own(claims: object = {}): string {
    return this.#remembered(issueToken({ sub: 'joe.smith', aud: ['amqp', 'rabbit'], scope: SCOPES, ...claims }, 60))
  }

  /** The environment of the gateway. */
  get env(): Readonly<Record<string, string>> {
    return { BROKER_PASSWORD: this.secret('environment') }
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }

  /** Header and payload are no secret, the signature is. */
  #remembered(token: string): string {
    this.secrets[`token ${++this.tokenCount}`] = token.split('.')[2] ?? ''
    return token
  }

  async #start(): Promise<void> {
    this.#certificates = await createCertificates()
    await this.#startBroker()
    this.#endpoint = createServer((_request, response) => {
      this.machineTokenCount++
      const claims = { client_id: 'machine', aud: ['rabbit'], scope: SCOPES }
      const token = this.#remembered(issueToken(claims, MACHINE_SECONDS))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ access_token: token, token_type: 'bearer', expires_in: MACHINE_SECONDS }))
    })
    await new Promise<void>((resolve) => this.#endpoint.listen(0, '127.0.0.1', resolve))
    this.brokerTap = await startTap(this.broker)
    this.write('gatehouse.yaml', await this.#config())
    this.command = new CommandProcess(['serve', '-c', this.file], this.env)
    const { port } = new URL(await this.command.url())
    this.clientTap = await startTap({ host: '127.0.0.1', port: Number(port) })
  }

  async #startBroker(): Promise<void> {
    const { authority, server } = this.#certificates
    const issuerKey = join(this.folder, 'issuer.pem')
    await writeIssuerKey(issuerKey)
    this.broker = await privateBroker({
      plugins: ['rabbitmq_auth_backend_oauth2', 'rabbitmq_auth_mechanism_ssl'],
      files: { 'issuer.pem': readFileSync(issuerKey, 'utf8') },
      tls: { ca: authority.caFile, cert: server.certFile, key: server.keyFile, clients: 'optional' },
      config: [
        'auth_backends.1 = rabbit_auth_backend_internal',
        'auth_backends.2 = rabbit_auth_backend_oauth2',
        'auth_oauth2.resource_server_id = rabbit',
        `auth_oauth2.signing_keys.${ISSUER_KEY_ID} = FILES/issuer.pem`,
        'auth_mechanisms.1 = PLAIN',
        'auth_mechanisms.2 = AMQPLAIN',
        'auth_mechanisms.3 = EXTERNAL',
        'ssl_cert_login_from = common_name',
        'log.file.level = debug',
      ],
    })
    for (const kind of BROKER_SECRETS) {
      this.users[kind] = (await this.broker.user(kind, { password: this.secret(kind) })).username
    }
    await this.broker.rabbit.management.addUser('joe.smith', this.secret('garbage'))
    await this.broker.rabbit.management.permit('joe.smith', this.broker.vhost)
  }

  /** Writes the files it names, too. */
  async #config(): Promise<string> {
    const { users, secrets } = this
    const { authority, client } = this.#certificates
    const yaml = (value: unknown) => JSON.stringify(value)
    const keyFile = (await runCommand(['secret', 'keygen', '--id', 'k1'])).stdout
    const [key] = parseKeys(keyFile).values()
    assert.ok(key !== undefined)
    const encrypted = encrypt(new Secret(this.secret('encrypted')), 'brokers.main.credentials.encrypted.password', key)
    const hash = await hashPassword(this.secret('basic'), { ln: 10, r: 8, p: 1 })
    secrets['private key'] = client.key.split('\n')[1] ?? ''
    secrets['encryption key'] = keyFile.trim().split(':').at(-1) ?? ''
    secrets['password hash'] = hash.slice(hash.lastIndexOf('$') + 1)
    const answer = { username: users['module'], password: this.secret('module') }
    this.write('k1.key', keyFile)
    this.write('keys.json', yaml({ keys: [issuerJwk()] }))
    this.write('file.secret', `${this.secret('file')}\n`)
    this.write('forwarded.secret', this.secret('forwarded'))
    this.write(`${users['template']}.secret`, this.secret('template'))
    this.write('module.mjs', `export default () => (${yaml(answer)})\n`)
    const oauth2 = {
      tokenUrl: `http://127.0.0.1:${(this.#endpoint.address() as AddressInfo).port}/`,
      clientId: 'machine',
      clientSecret: this.secret('client-secret'),
    }
    const roles = ['text', 'environment', 'file', 'encrypted', 'module', 'wrong', 'machine', 'own']
    return `listen: { host: 127.0.0.1, port: 0, trustedProxies: [127.0.0.1] }
admin: { port: 0 }
log: { level: trace }
secretKeys: [{ file: k1.key }]
brokers:
  main:
    urls: [${this.brokerTap.url}]
    credentials:
      text: { username: ${users['text']}, password: ${yaml(this.secret('text'))} }
      environment: { username: ${users['environment']}, password: { env: BROKER_PASSWORD }, mechanism: AMQPLAIN }
      file: { username: ${users['file']}, password: { file: file.secret } }
      encrypted: { username: ${users['encrypted']}, password: { encrypted: "${encrypted}" } }
      module: { module: module.mjs }
      wrong: { username: ${users['file']}, password: ${yaml(this.secret('wrong'))} }
      machine: { oauth2: ${yaml(oauth2)} }
      own: { passOn: accessToken }
  tls:
    urls: ["amqps://localhost:${this.broker.rabbit.tlsPort}"]
    tls: { ca: ${yaml(authority.caFile)}, cert: ${yaml(client.certFile)}, key: ${yaml(client.keyFile)} }
    credentials: { certificate: { mechanism: EXTERNAL, username: joe.smith } }
authenticators:
  sso: { type: jwt, issuer: ${ISSUER}, audience: amqp, jwksFile: keys.json, roles: roles, from: [bearer, subprotocol, "cookie:at"] }
  staff: { type: basic, realm: Staff, users: { ann: { password: ${yaml(hash)}, roles: [text] } } }
  portal: { type: forwarded, header: x-user, secretHeader: x-portal-secret, secret: { file: forwarded.secret }, trustedProxies: [127.0.0.1] }
  tickets: { type: ticket }
services:
  - path: /amqp
    broker: main
    vhost: ${this.broker.vhost}
    origins: [https://app.example.com]
    authenticate: [sso, staff, portal, tickets]
    audit: { include: [declare, bind, delete, consume, publish] }
    promote:
      - { when: { role: foreign }, to: text, vhost: / }
${roles.map((role) => `      - { when: { role: ${role} }, to: ${role} }`).join('\n')}
      - { when: { claim: { dept: ops } }, to: { username: "\${claim.user}", password: { file: "\${claim.user}.secret" } } }
      - { when: { subject: ann }, to: text }
  - { path: /tls, broker: tls, vhost: ${this.broker.vhost}, authenticate: sso, promote: [{ to: certificate }] }
drain: 0s
`
  }
}
