/**
 * People's tokens exchanged at a real provider (`oidc-provider`) for ones that RabbitMQ's OAuth 2 backend takes [RFC 8693]. The
 * provider judges the exchange, and the broker what it gave.
 */
import assert from 'node:assert/strict'
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type AmqplibConnection, connectAmqplib } from '../support/amqplib-over-websocket.ts'
import type { TestBroker } from '../support/broker.ts'
import { declares, Flow, updates } from '../support/flow.ts'
import { privateBroker } from '../support/live-gateway.ts'
import { type OpenidProvider, startOpenidProvider } from '../support/openid-provider.ts'
import { type PromotionGateway, startPromotionGateway } from '../support/promotion-gateway.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { until } from '../support/until.ts'

const SECRET = 'secret-of-the-exchanger'
/** Of people's tokens; the exchanged ones live shorter, and are renewed several times in one of these. */
const OWN_SECONDS = 20
const EXCHANGED_SECONDS = 6
/** When the client brings a fresh one. */
const RENEW_MS = 10_000
/** When nothing is left that was made of the first one. */
const LATE_MS = (OWN_SECONDS + EXCHANGED_SECONDS) * 1000

let provider: OpenidProvider
let broker: TestBroker
let tap: Tap
let gateway: PromotionGateway

/** The key by which the provider signs, as brokers take it. */
async function providerKey(): Promise<{ readonly id: string; readonly pem: string }> {
  const { keys } = (await (await fetch(provider.jwksUri)).json()) as { keys: (JsonWebKey & { kid: string })[] }
  const [key] = keys
  assert.ok(key !== undefined)
  const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  return { id: key.kid, pem: String(pem) }
}

before(async () => {
  provider = await startOpenidProvider({
    accessTokenSeconds: OWN_SECONDS,
    robotSecret: 'secret-of-the-robot',
    robotRoles: ['machine'],
    people: {},
    exchange: { secret: SECRET, audience: 'rabbit', accessTokenSeconds: EXCHANGED_SECONDS },
  })
  const { id, pem } = await providerKey()
  broker = await privateBroker({
    plugins: ['rabbitmq_auth_backend_oauth2'],
    files: { 'provider.pem': pem },
    config: [
      'auth_backends.1 = rabbit_auth_backend_internal',
      'auth_backends.2 = rabbit_auth_backend_oauth2',
      'auth_oauth2.resource_server_id = rabbit',
      `auth_oauth2.signing_keys.${id} = FILES/provider.pem`,
    ],
  })
  tap = await startTap(broker)
  const exchange = { issuer: provider.issuer, clientId: 'exchanger', clientSecret: SECRET, audience: 'rabbit' }
  const all = ['configure', 'write', 'read'].map((right) => `rabbit.${right}:*/*`).join(' ')
  const service = (path: string, to: string) => ({
    path,
    broker: 'main',
    vhost: broker.vhost,
    authenticate: ['robots'],
    promote: [{ to }],
  })
  gateway = await startPromotionGateway({
    brokers: {
      main: {
        urls: [tap.url],
        credentials: {
          wide: { exchange: { ...exchange, scope: all } },
          narrow: { exchange: { ...exchange, scope: 'rabbit.read:*/*' } },
          elsewhere: { exchange: { ...exchange, audience: 'elsewhere', scope: all } },
          stranger: { exchange: { ...exchange, clientSecret: 'not the secret', scope: all } },
          asItIs: { passOn: 'accessToken' },
        },
      },
    },
    authenticators: {
      robots: { type: 'jwt', issuer: provider.issuer, audience: 'amqp', jwksUri: provider.jwksUri, roles: 'roles' },
    },
    service: service('/amqp', 'wide'),
    moreServices: ['narrow', 'elsewhere', 'stranger', 'asItIs'].map((name) => service(`/${name}`, name)),
  })
})

after(async () => {
  await gateway?.stop()
  await tap?.close()
  await broker?.stop()
  await provider?.stop()
})

async function connect(token: string, path = '/amqp'): Promise<AmqplibConnection> {
  const headers = { authorization: `Bearer ${token}` }
  return await connectAmqplib(gateway.url(path), { websocket: { headers } })
}

describe('a token exchanged at a real provider', { concurrency: true }, () => {
  it('is what the broker gets, and nothing of the user’s own', async () => {
    const token = await provider.robotToken()
    const { connection } = await connect(token)
    assert.equal(await declares(connection), 0)
    // Some brokers name the owner, and others the client that the token was made for.
    assert.match(await broker.rabbit.ctl('list_connections', 'user'), /^(?:robot|exchanger)$/m)
    assert.ok(!tap.connections.some(({ fromClient }) => fromClient.includes(token)), 'the user’s own token')
    await connection.close()
  })

  it('has the rights that were asked for, and no others', async () => {
    const { connection } = await connect(await provider.robotToken(), '/narrow')
    assert.equal(await declares(connection), 403)
    await connection.close()
  })

  it('is needed: the broker does not take the user’s own', async () => {
    assert.equal((await gateway.outcome(await provider.robotToken(), '/asItIs', broker.vhost)).code, 403)
  })

  it('is renewed while messages flow, by the token that the client brought last', async () => {
    const startedMs = performance.now()
    const since = (ms: number) => until(() => performance.now() - startedMs > ms, 'its time', 2 * ms)
    const { connection } = await connect(await provider.robotToken())
    await since(RENEW_MS)
    const flow = new Flow(connection, 'exchanged-flow')
    await flow.goesOn()
    await connection.updateSecret(Buffer.from(await provider.robotToken()), 'expiring')
    await flow.goesOn()
    assert.ok((await flow.stop()) >= 2)

    await since(LATE_MS)

    assert.equal(await declares(connection), 0)
    const renewals = Math.max(...tap.connections.map(updates))
    assert.ok(renewals >= 4 && renewals <= 8, `${renewals} renewals`)
    await connection.close()
  })

  for (const [path, why] of [
    ['/elsewhere', /says invalid_target \(400\)/],
    ['/stranger', /does not take the client's secret|says invalid_client \(401\)/],
  ] as const) {
    it(`that cannot be had lets nobody in (${path})`, async () => {
      const { code } = await gateway.outcome(await provider.robotToken(), path)
      assert.equal(code, 503)
      const { detail } = await gateway.line('promotion-failed', ({ service }) => service === path)
      assert.match(String(detail), why)
    })
  }
})
