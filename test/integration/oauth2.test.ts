/**
 * RabbitMQ's OAuth 2 backend behind the gateway: the user's own token passed on, and a token of the gateway's own, both
 * living for seconds and renewed in mid-session while messages flow. The broker checks tokens itself and is the judge.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { AmqplibConnection } from '../support/amqplib-over-websocket.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { canary, findSecrets } from '../support/canary.ts'
import { declares, Flow, updates } from '../support/flow.ts'
import { privateBroker } from '../support/live-gateway.ts'
import {
  ISSUER_KEY_ID,
  issueToken,
  type PromotionGateway,
  startPromotionGateway,
  writeIssuerKey,
} from '../support/promotion-gateway.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { until, within } from '../support/until.ts'

const SCOPES = ['rabbit.configure:*/*', 'rabbit.write:*/*', 'rabbit.read:*/*']
const AUDIENCE = ['amqp', 'rabbit']
/** Of tokens that the gateway gets for itself. */
const LIFE_SECONDS = 5
/** Of people's tokens: long enough for a busy machine, and shorter than three renewals. */
const OWN_LIFE_SECONDS = 8
const RENEW_MS = 3_000

let folder: string
let broker: TestBroker
let endpoint: TokenEndpoint
let gateway: PromotionGateway
let tap: Tap

/** Gives tokens to whoever knows the secret; what it does wrong, it is told to. */
class TokenEndpoint {
  /** Client id → how often it asked. */
  readonly counts = new Map<string, number>()
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += String(chunk)
      })
      request.on('end', () => {
        const [, encoded = ''] = request.headers.authorization?.split(' ') ?? []
        // Id and secret are form-encoded before they are joined [RFC 6749 §2.3.1].
        const [id = '', secret] = Buffer.from(encoded, 'base64').toString().split(':').map(decodeURIComponent)
        const isMeant = new URLSearchParams(body).get('audience') === 'rabbit'
        const isKnown = secret === 'CANARY-client-secret' && isMeant
        this.counts.set(id, this.countOf(id) + 1)
        const status = isKnown ? 200 : 401
        const answer =
          status === 200
            ? {
                access_token: issueToken({ client_id: id, aud: AUDIENCE, scope: SCOPES }, LIFE_SECONDS),
                token_type: 'bearer',
                expires_in: LIFE_SECONDS,
              }
            : { error: 'invalid_client' }
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      })
    })
  }

  countOf(id: string): number {
    return this.counts.get(id) ?? 0
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

/** As docs/brokers.md tells operators: RabbitMQ from 4.1 on writes down what it cannot read as a token. */
async function quietLog(): Promise<string[]> {
  const shared = await testBroker()
  const [major = 0, minor = 0] = shared.rabbit.version.split('.').map(Number)
  await shared.stop()
  return major > 4 || (major === 4 && minor >= 1)
    ? ['log.connection.level = critical', 'log.user.level = critical']
    : []
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-oauth2-'))
  const keyFile = join(folder, 'issuer.pem')
  await writeIssuerKey(keyFile)
  endpoint = new TokenEndpoint()
  await endpoint.start()
  broker = await privateBroker({
    plugins: ['rabbitmq_auth_backend_oauth2'],
    files: { 'issuer.pem': await readFile(keyFile, 'utf8') },
    config: [
      'auth_backends.1 = rabbit_auth_backend_internal',
      'auth_backends.2 = rabbit_auth_backend_oauth2',
      'auth_oauth2.resource_server_id = rabbit',
      `auth_oauth2.signing_keys.${ISSUER_KEY_ID} = FILES/issuer.pem`,
      ...(await quietLog()),
    ],
  })
  tap = await startTap(broker)
  const oauth2 = (clientId: string) => ({
    tokenUrl: endpoint.url,
    clientId,
    clientSecret: 'CANARY-client-secret',
    audience: 'rabbit',
  })
  gateway = await startPromotionGateway({
    brokers: {
      main: {
        urls: [tap.url],
        credentials: {
          own: { passOn: 'accessToken' },
          ownOnce: { passOn: 'accessToken', renew: false },
          machine: { oauth2: oauth2('machine') },
          machineOnce: { oauth2: { ...oauth2('machine-once'), renew: false } },
          wrong: { oauth2: { ...oauth2('wrong'), clientSecret: 'not the secret' } },
        },
      },
    },
    service: {
      vhost: broker.vhost,
      promote: [
        { when: { role: 'own' }, to: 'own' },
        { when: { role: 'own-once' }, to: 'ownOnce' },
        { when: { role: 'machine' }, to: 'machine' },
        { when: { role: 'machine-once' }, to: 'machineOnce' },
        { when: { role: 'wrong' }, to: 'wrong' },
      ],
    },
  })
})

after(async () => {
  await gateway?.stop()
  await tap?.close()
  endpoint?.stop()
  await broker?.stop()
  await rm(folder, { recursive: true, force: true })
})

const own = (role: string) => ({ roles: [role], aud: AUDIENCE, scope: SCOPES })

/**
 * How the broker refuses what a token no longer allows: 403 for what is asked, or, from RabbitMQ 4.3 on, 320 for the
 * connection when nothing is asked in the second of the expiry.
 */
async function refusal({ connection }: AmqplibConnection): Promise<number> {
  let ended: number | undefined
  connection.once('close', (error?: { code?: number }) => {
    ended = error?.code ?? 0
  })
  return until(async () => ended ?? (await declares(connection)), 'a refusal', 15_000)
}

describe('a broker that checks tokens', { concurrency: true }, () => {
  it('E1 writes no password down that it refuses, where it is set as docs/brokers.md says', async () => {
    const password = canary('refused')
    await assert.rejects(broker.judge({ username: 'nobody', password }), /403/)
    await broker.rabbit.evaluate('logger:critical("all before this is written").')
    await until(() => broker.rabbit.log().includes('all before this is written'), 'the log of the broker')
    assert.deepEqual(findSecrets(broker.rabbit.log(), { password }), [])
  })

  describe('an access token passed on', { concurrency: true }, () => {
    it('opens the connection as its user, with its permissions', async () => {
      const { connection } = await gateway.connect({ ...own('own'), sub: 'ann', scope: ['rabbit.read:*/*'] })
      assert.equal(await declares(connection), 403)
      const users = await until(async () => {
        const names = (await broker.connections()).map(({ user }) => user)
        return names.includes('ann') && names
      })
      assert.ok(users.includes('ann'))
      await connection.close()
    })

    it('is renewed three times by the client, at the broker too, while messages flow', async () => {
      const startedMs = performance.now()
      const client = await gateway.connect(gateway.token(own('own'), OWN_LIFE_SECONDS))
      const flow = new Flow(client.connection, 'own-flow')
      for (let renewed = 1; renewed <= 3; renewed++) {
        await until(() => performance.now() - startedMs > renewed * RENEW_MS, 'the time to renew')
        await flow.goesOn()
        await client.connection.updateSecret(Buffer.from(gateway.token(own('own'), OWN_LIFE_SECONDS)), 'expiring')
        await flow.goesOn()
      }
      assert.equal(await declares(client.connection), 0)

      assert.ok((await flow.stop()) >= 6)
      await client.connection.close()
    })

    it('is not known to the broker any more when renewal is off', async () => {
      const client = await gateway.connect(gateway.token(own('own-once'), LIFE_SECONDS))
      await client.connection.updateSecret(Buffer.from(gateway.token(own('own-once'), 60)), 'expiring')
      const code = await refusal(client)
      assert.ok(code === 403 || code === 320, String(code))
      if (code === 403) await client.connection.close()
    })

    it('ends the session when the broker does not take the fresh one', async () => {
      const client = await gateway.connect({ ...own('own'), sub: 'bob' })
      const from = gateway.lines.length
      const foreign = gateway.token({ ...own('own'), sub: 'bob', aud: ['amqp'] })
      client.connection.updateSecret(Buffer.from(foreign), 'expiring').catch(() => undefined)

      assert.equal((await within(client.closed, 'the end')).code, 1013)

      const line = await gateway.line('session-ended', ({ subject }) => subject === 'bob', from)
      assert.deepEqual([line['reason'], line['cause'], line['level']], ['renewal-failed', 'secret-refused', 'error'])
      assert.match(String(line['detail']), /530 NOT_ALLOWED/)
      assert.match(String(line['remedy']), /audience/)
    })
  })

  describe('a token from client credentials', { concurrency: true }, () => {
    it('is got once for many, and renewed three times by the gateway while messages flow', async () => {
      const clients = await Promise.all([1, 2, 3].map((n) => gateway.connect({ roles: ['machine'], sub: `m${n}` })))
      assert.equal(endpoint.countOf('machine'), 1, 'one token for all')
      const [client] = clients
      assert.ok(client !== undefined)
      const flow = new Flow(client.connection, 'machine-flow')
      const renewed = (times: number) => tap.connections.filter((connection) => updates(connection) >= times).length
      for (const times of [1, 2, 3]) {
        await until(() => renewed(times) >= clients.length, `${times} renewals of each`, 30_000)
        await flow.goesOn()
      }

      for (const { connection } of clients) assert.equal(await declares(connection), 0)

      assert.ok((await flow.stop()) >= 3)
      const tokenCount = endpoint.countOf('machine')
      assert.ok(tokenCount >= 4 && tokenCount <= 7, `${tokenCount} tokens`)
      for (const { connection } of clients) await connection.close()
    })

    it('is not known to the broker any more when renewal is off', async () => {
      const client = await gateway.connect({ roles: ['machine-once'] })
      const code = await refusal(client)
      assert.ok(code === 403 || code === 320, String(code))
      if (code === 403) await client.connection.close()
    })

    it('that cannot be had is not asked for by every client; the log says why', async () => {
      const from = gateway.lines.length
      const outcomes = await Promise.all([1, 2, 3, 4].map(() => gateway.outcome({ roles: ['wrong'] })))
      assert.deepEqual(
        outcomes.map(({ code }) => code),
        [503, 503, 503, 503],
      )
      assert.equal(endpoint.countOf('wrong'), 1)
      const { detail } = await gateway.line('promotion-failed', () => true, from)
      assert.match(
        String(detail),
        /^promotion rule 5 \(to wrong\): the token endpoint http.* says invalid_client \(401\)$/,
      )
    })
  })
})
