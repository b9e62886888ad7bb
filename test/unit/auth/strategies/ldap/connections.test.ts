/** What is said to a directory of which the connection was lost. The package connects again by itself, without TLS. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Secret } from '../../../../../auth/secret.ts'
import type { LdapClient } from '../../../../../auth/strategies/ldap/client.ts'
import { Connections } from '../../../../../auth/strategies/ldap/connections.ts'

/** As the package: whatever is said while nothing is connected goes over a new connection, in the clear. */
class ForgetfulClient implements LdapClient {
  isConnected = true
  readonly messageParser: { buffer?: Buffer } = {}
  readonly socket = { writable: true }
  readonly saidInTheClear: string[] = []

  async startTLS(): Promise<void> {}

  async bind(_dn: string, password: string): Promise<void> {
    if (!this.isConnected) this.saidInTheClear.push(password)
  }

  async search(): Promise<{ searchEntries: [] }> {
    if (!this.isConnected) this.saidInTheClear.push('a search')
    return { searchEntries: [] }
  }

  isEnded = false

  async unbind(): Promise<void> {
    this.isEnded = true
    this.isConnected = false
  }
}

const SERVER = { urls: ['ldap://127.0.0.1:1'], startTls: true, ca: undefined }

describe('a connection that is lost after StartTLS', () => {
  it('G115 says no password of the gateway anew, without TLS', async () => {
    const client = new ForgetfulClient()
    const service = {
      dn: 'cn=gatehouse',
      async readSecret() {
        client.isConnected = false
        return new Secret('word')
      },
    }
    const connections = new Connections(() => client, SERVER, service)
    await assert.rejects(
      connections.asService(async () => 'done'),
      /the connection to the directory was lost/,
    )
    assert.deepEqual(client.saidInTheClear, [])
  })

  it('G115 says no password of a person, and searches for nobody', async () => {
    const client = new ForgetfulClient()
    client.startTLS = async () => {
      client.isConnected = false
    }
    const connections = new Connections(() => client, SERVER, undefined)
    const alone = connections.alone(
      async (one) => await one.bind('cn=ann', 'word'),
      async () => 'done',
    )
    await assert.rejects(alone, /to the directory was lost/)
    await assert.rejects(
      connections.asService(async (one) => await one.search('dc=x', {} as never)),
      /to the directory was lost/,
    )
    assert.deepEqual(client.saidInTheClear, [])
  })

  it('says none where the package does not notice it', async () => {
    const client = new ForgetfulClient()
    client.startTLS = async () => {
      client.socket.writable = false
    }
    const connections = new Connections(() => client, SERVER, undefined)
    const alone = connections.alone(
      async (one) => await one.bind('cn=ann', 'word'),
      async () => 'done',
    )
    await assert.rejects(alone, /to the directory was lost/)
  })
})

it('B52 a connection is given up where the package kept something of what was said before TLS', async () => {
  const client = new ForgetfulClient()
  client.startTLS = async () => {
    client.messageParser.buffer = Buffer.from([0x30])
  }
  const connections = new Connections(() => client, SERVER, undefined)
  const alone = connections.alone(
    async (one) => await one.bind('cn=ann', 'word'),
    async () => 'done',
  )
  await assert.rejects(alone, /more than the answer to StartTLS was said before TLS/)
})

it('a connection is not kept where a reload has closed the others while it was in use', async () => {
  const client = new ForgetfulClient()
  const connections = new Connections(() => client, SERVER, undefined)
  await connections.asService(async () => connections.close())
  assert.equal(client.isEnded, true)
})

it('a client that was given up while its password was read does not connect again', async (t) => {
  const client = new ForgetfulClient()
  client.isConnected = false
  let tell: (secret: Secret) => void = () => undefined
  const readSecret = async () => await new Promise<Secret>((resolve) => (tell = resolve))
  const server = { urls: ['ldaps://127.0.0.1:1'], startTls: false, ca: undefined }
  const connections = new Connections(() => client, server, { dn: 'cn=gatehouse', readSecret })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const working = connections.asService(async () => 'done')
  await setImmediate()
  t.mock.timers.tick(5000)
  await assert.rejects(working, /cannot be reached/)
  tell(new Secret('word'))
  await setImmediate()
  assert.deepEqual(client.saidInTheClear, [])
})
