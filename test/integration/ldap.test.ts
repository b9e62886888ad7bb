/** A gateway in front of a live broker whose people are those of a real OpenLDAP. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Gateway, startGateway } from '../../src/index.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import type { LogLine } from '../support/door.ts'
import { isClosed, RawClient } from '../support/raw-client.ts'
import { SERVICE_DN, SERVICE_PASSWORD, type Slapd, startSlapd } from '../support/slapd.ts'
import { until } from '../support/until.ts'

const PEOPLE = ['joe', 'ann']
const LDIF = [
  'dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example',
  `dn: ${SERVICE_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: gateway\nuserPassword: ${SERVICE_PASSWORD}`,
  ...PEOPLE.map(
    (uid) =>
      `dn: uid=${uid},dc=example\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\nuserPassword: ${uid}-password`,
  ),
  'dn: cn=traders,dc=example\nobjectClass: groupOfNames\ncn: traders\nmember: uid=joe,dc=example\nmember: uid=ann,dc=example',
].join('\n\n')

let slapd: Slapd
let certificates: Certificates
let broker: TestBroker
let gateway: Gateway
let folder: string
const lines: LogLine[] = []

before(async () => {
  certificates = await createCertificates()
  const { certFile: cert, keyFile: key } = certificates.server
  slapd = await startSlapd(`${LDIF}\n`, { ca: certificates.authority.caFile, cert, key })
  broker = await testBroker()
  const webuser = await broker.user('webuser')
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-ldap-'))
  gateway = await startGateway(
    {
      listen: { host: '127.0.0.1', port: 0 },
      brokers: { main: { urls: [broker.url], credentials: { webuser } } },
      authenticators: {
        directory: {
          type: 'ldap',
          url: slapd.tlsUrl,
          tls: { ca: certificates.authority.caFile },
          bind: { dn: SERVICE_DN, password: SERVICE_PASSWORD },
          users: { base: 'dc=example', filter: '(uid={user})' },
          groups: { base: 'dc=example', filter: '(member={dn})' },
          recheck: '1s',
        },
      },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: broker.vhost,
          authenticate: 'directory',
          promote: [{ to: 'webuser' }],
          permissions: [{ for: { role: 'traders' }, read: [{ queue: 'desk' }] }],
        },
      ],
      drain: '0s',
    },
    { folder, logTo: { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) } },
  )
  await (await (await broker.judge()).createChannel()).assertQueue('desk')
})

after(async () => {
  await gateway.close()
  await broker.stop()
  await slapd.stop()
  await certificates.remove()
  await rm(folder, { recursive: true })
})

async function connect(uid: string, password = `${uid}-password`): Promise<RawClient> {
  const authorization = `Basic ${Buffer.from(`${uid}:${password}`).toString('base64')}`
  return await RawClient.overWebSocket(`${gateway.addresses[0]?.url}/amqp`, { authorization })
}

async function mayRead(client: RawClient): Promise<boolean> {
  return !isClosed(await client.call('basic.get', { queue: 'desk', noAck: true }, 'basic.get-empty'))
}

describe('people of a directory', () => {
  it('come in with their passwords and the roles of their groups', async () => {
    const client = await connect('joe')
    assert.ok(await mayRead(client))
    client.close()
    await assert.rejects(connect('joe', 'wrong'), /401/)
  })

  it('go on while the directory is away; nobody new comes in, with 503', async () => {
    const client = await connect('joe')
    await slapd.halt()
    await until(() => lines.find(({ event }) => event === 'recheck-failed'), 'a failed look')
    assert.ok(await mayRead(client))
    await assert.rejects(connect('ann'), /503/)
    await slapd.restart()
    client.close()
  })

  it('lose a right with their group, within the time of a recheck', async () => {
    const client = await connect('ann')
    assert.ok(await mayRead(client))
    await slapd.modify('dn: cn=traders,dc=example\nchangetype: modify\ndelete: member\nmember: uid=ann,dc=example\n')
    await until(async () => !(await mayRead(client)), 'the end of a right')
    client.close()
  })

  it('are ended with 320 and 4401 when their account is gone', async () => {
    const client = await connect('ann')
    await slapd.modify('dn: uid=ann,dc=example\nchangetype: delete\n')
    const end = await client.next(0)
    assert.deepEqual([end.name, end.fields['replyCode']], ['connection.close', 320])
    const ended = await until(
      () => lines.find(({ reason, closeCode }) => reason === 'authority-ended' && closeCode === 4401),
      'the end',
    )
    assert.equal(ended['subject'], 'ann')
    client.close()
  })
})
