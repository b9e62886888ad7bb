/** A gateway whose people bring opaque tokens of a real provider (`oidc-provider`), in front of a live broker. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Gateway, startGateway } from '../../src/index.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import type { LogLine } from '../support/door.ts'
import { type OpenidProvider, startOpenidProvider } from '../support/openid-provider.ts'
import { RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

const SECRET = 'secret-of-the-robot'

let provider: OpenidProvider
let broker: TestBroker
let gateway: Gateway
const lines: LogLine[] = []

before(async () => {
  provider = await startOpenidProvider({
    accessTokenSeconds: 600,
    accessTokens: 'opaque',
    robotSecret: SECRET,
    robotRoles: ['machine'],
    people: {},
  })
  broker = await testBroker()
  const webuser = await broker.user('webuser')
  gateway = await startGateway(
    {
      listen: { host: '127.0.0.1', port: 0 },
      brokers: { main: { urls: [broker.url], credentials: { webuser } } },
      authenticators: {
        opaque: {
          type: 'introspection',
          issuer: provider.issuer,
          clientId: 'robot',
          clientSecret: SECRET,
          audience: 'amqp',
          subject: 'client_id',
          roles: 'roles',
          recheck: '1s',
        },
      },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: broker.vhost,
          authenticate: 'opaque',
          promote: [{ when: { role: 'machine' }, to: 'webuser' }],
        },
      ],
      drain: '0s',
    },
    { logTo: { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) } },
  )
})

after(async () => {
  await gateway.close()
  await broker.stop()
  await provider.stop()
})

async function connect(token: string): Promise<RawClient> {
  return await RawClient.overWebSocket(`${gateway.addresses[0]?.url}/amqp`, { authorization: `Bearer ${token}` })
}

describe('opaque tokens of a real provider', () => {
  it('let their owners in, and nobody else', async () => {
    const client = await connect(await provider.robotToken())
    client.close()
    await assert.rejects(connect('made-up'), /401/)
    const line = await until(() => lines.find(({ event }) => event === 'session-ended'), 'the line')
    assert.deepEqual([line['subject'], line['issuer']], ['robot', provider.issuer])
  })

  it('end their sessions with 320 and 4401 when they are revoked, within the time of a recheck', async () => {
    const token = await provider.robotToken()
    const clients = await Promise.all([connect(token), connect(token)])
    await provider.revoke(token)
    for (const client of clients) {
      const end = await client.next(0)
      assert.deepEqual([end.name, end.fields['replyCode']], ['connection.close', 320])
      client.close()
    }
    await until(
      () => lines.find(({ reason, closeCode }) => reason === 'authority-ended' && closeCode === 4401),
      'the end',
    )
    await assert.rejects(connect(token), /401/)
  })

  it('keep their sessions while the provider is away; nobody new comes in, with 503', async () => {
    const client = await connect(await provider.robotToken())
    const unused = await provider.robotToken()
    await provider.stop()
    await until(() => lines.find(({ event }) => event === 'recheck-failed'), 'a failed look')
    await assert.rejects(connect(unused), /503/)
    await client.openChannel(2)
    client.close()
  })
})
