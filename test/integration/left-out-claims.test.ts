/** Groups that a provider leaves out of a token: whoever is admitted without them, the log says so. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Gateway, startGateway } from '../../src/index.ts'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { type FakeBroker, startFakeBroker } from '../support/fake-broker.ts'
import { forgeKey, publicJwk, signToken } from '../support/token-forge.ts'
import { until } from '../support/until.ts'

const ISSUER = 'https://issuer.example.com'
const key = forgeKey('ES256', 'own')
const lines: Record<string, unknown>[] = []

let folder: string
let broker: FakeBroker
let gateway: Gateway

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-left-out-'))
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [publicJwk(key)] }))
  broker = await startFakeBroker()
  const user = (username: string) => ({ username, password: 'x' })
  gateway = await startGateway(
    {
      listen: { port: 0 },
      brokers: { main: { urls: [broker.url], credentials: { trader: user('trader'), lookers: user('lookers') } } },
      authenticators: {
        own: { type: 'jwt', issuer: ISSUER, audience: 'amqp', jwksFile: join(folder, 'keys.json'), roles: 'groups' },
      },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: '/',
          authenticate: 'own',
          promote: [{ when: { role: 'trader' }, to: 'trader' }, { to: 'lookers' }],
        },
      ],
      log: { level: 'info' },
      drain: '0s',
    },
    { logTo: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) } },
  )
})
after(async () => {
  await gateway.close()
  await broker.close()
  await rm(folder, { recursive: true, force: true })
})

/** Opens a session with these claims, and ends it. */
async function session(subject: string, claims: object): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  const standard = { iss: ISSUER, aud: 'amqp', sub: subject, iat: now, exp: now + 60 }
  const token = signToken({ alg: key.alg, kid: key.kid }, { ...standard, ...claims }, key)
  const headers = { authorization: `Bearer ${token}` }
  const { connection } = await connectAmqplib(`${gateway.addresses[0]?.url}/amqp`, { websocket: { headers } })
  await connection.close()
  await until(() => lines.find((line) => line['event'] === 'session-ended' && line['subject'] === subject), 'its end')
}

describe('somebody whose groups the provider left out', () => {
  it('D15 is admitted as what is left, and the log says so', async () => {
    await session('many', {
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://g.example' } },
    })
    await session('implicit', { hasgroups: true })
    await session('few', { groups: ['trader'] })
    await session('there', { groups: ['trader'], _claim_names: { groups: 'src1' } })

    const told = lines.filter(({ event }) => event === 'claims-left-out')
    assert.deepEqual(
      told.map(({ level, subject, issuer, authenticator, service }) => [
        level,
        subject,
        issuer,
        authenticator,
        service,
      ]),
      [
        ['info', 'many', ISSUER, 'own', '/amqp'],
        ['info', 'implicit', ISSUER, 'own', '/amqp'],
      ],
    )
    for (const { detail, session: id } of told) {
      assert.match(String(detail), /^the provider left groups out of the token, .*too many/)
      assert.equal(lines.filter((line) => line['event'] === 'session-ended' && line['session'] === id).length, 1)
    }
    const users = lines.filter(({ event }) => event === 'session-ended').map(({ user }) => user)
    assert.deepEqual(users, ['lookers', 'lookers', 'trader', 'trader'])
  })
})
