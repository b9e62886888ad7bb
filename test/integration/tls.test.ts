/** Listeners: TLS, client certificates, a reload of certificates, several at once, and slow or crowded clients. */
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { basic, ORIGIN, startDoor } from '../support/door.ts'
import { until, within } from '../support/until.ts'

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})
after(() => certificates.remove())

function tls(mode?: 'none' | 'optional' | 'required') {
  const { server, authority } = certificates
  const files = { cert: server.certFile, key: server.keyFile }
  return mode === undefined ? files : { ...files, clientCertificates: { ca: authority.caFile, mode } }
}

/** The certificate that a TLS handshake shows, or the error it ends with. */
async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket | Error> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: certificates.authority.ca,
    ...options,
  })
  const outcome = new Promise<TLSSocket | Error>((resolve) => {
    socket.once('secureConnect', () => resolve(socket))
    socket.on('error', resolve)
  })
  return await within(outcome, 'a TLS handshake')
}

describe('a TLS listener', () => {
  it('speaks wss', async (t) => {
    const door = await startDoor({ listen: { port: 0, tls: tls() } }, t)
    assert.match(door.url(), /^wss:/)
    const client = await connectAmqplib(door.url(), {
      websocket: { ca: certificates.authority.ca, headers: { authorization: basic() } },
    })
    await client.connection.close()
    await door.stop()
  })

  it('G20 refuses TLS 1.1, and other protocols than HTTP/1.1', async (t) => {
    const door = await startDoor({ listen: { port: 0, tls: tls() } }, t)
    const old = await handshake(door.port, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    assert.ok(old instanceof Error)
    const http1 = await handshake(door.port, { ALPNProtocols: ['h2', 'http/1.1'] })
    assert.ok(!(http1 instanceof Error))
    assert.equal(http1.alpnProtocol, 'http/1.1')
    http1.destroy()
    await door.stop()
  })

  it('G20 renegotiates nothing', async (t) => {
    const door = await startDoor({ listen: { port: 0, tls: tls() } }, t)
    const socket = await handshake(door.port, { maxVersion: 'TLSv1.2' })
    assert.ok(!(socket instanceof Error))
    const outcome = new Promise<Error | null>((resolve) => {
      socket.on('error', resolve)
      socket.on('close', () => resolve(new Error('closed')))
      socket.renegotiate({}, resolve)
    })
    assert.match(String(await within(outcome, 'an answer')), /no renegotiation|closed/i)
    socket.destroy()
    assert.ok(!((await handshake(door.port)) instanceof Error))
    await door.stop()
  })

  it('G31 protects the ticket cookie by its name where TLS ends in front of it', async (t) => {
    const service = { origins: [ORIGIN] }
    const door = await startDoor({ listen: [{ port: 0, behindTls: true }], service }, t)
    const response = await fetch(door.http('/auth/ticket?as=cookie'), {
      method: 'POST',
      headers: { authorization: basic() },
    })
    assert.match(response.headers.get('set-cookie') ?? '', /^__Host-gatehouse-ticket-.*; Path=\/; .*; Secure$/)
    await door.stop()
  })

  it('G20 is not ended by what is no TLS', async (t) => {
    const door = await startDoor({ listen: { port: 0, tls: tls() } }, t)
    const socket = connectTcp(door.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('GET /amqp HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => socket.destroyed || socket.readableEnded || socket.closed, 'the end of it')
    await door.line('tls-failed')
    assert.ok(!((await handshake(door.port)) instanceof Error))
    await door.stop()
  })

  it('is switched on and off by a reload, on the same port; sessions stay', async (t) => {
    const door = await startDoor({ listen: { port: 0 } }, t)
    const { port } = door
    const headers = { authorization: basic() }
    const { ca } = certificates.authority
    const early = await connectAmqplib(door.url(), { websocket: { headers } })

    await door.gateway.reload({ config: await door.configOf({ listen: { port: 0, tls: tls('optional') } }) })
    assert.deepEqual([door.port, door.url().split(':', 1)[0]], [port, 'wss'])
    const secure = await connectAmqplib(door.url(), { websocket: { ca, headers } })
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`), 'nobody speaks plain HTTP any more')

    await door.gateway.reload({ config: await door.configOf({ listen: { port: 0 } }) })
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404)
    assert.equal(door.gateway.sessionCount, 2)
    for (const { connection } of [early, secure]) await (await connection.createChannel()).close()
    for (const { connection } of [early, secure]) await connection.close()
  })

  it('uses a new certificate after a reload, and keeps the old one when the new one does not fit', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tls-'))
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const { server, authority } = certificates
    await copyFile(server.certFile, cert)
    await copyFile(server.keyFile, key)
    const door = await startDoor({ listen: { port: 0, tls: { cert, key } } }, t)
    const shown = async () => {
      const socket = await handshake(door.port)
      assert.ok(!(socket instanceof Error))
      const certificate = socket.getPeerX509Certificate()
      socket.destroy()
      return certificate?.fingerprint256
    }
    const client = await connectAmqplib(door.url(), {
      websocket: { ca: authority.ca, headers: { authorization: basic() } },
    })
    assert.equal(await shown(), server.fingerprint256)

    const next = await authority.issue({ commonName: 'localhost', names: ['localhost', '127.0.0.1'], usage: 'server' })
    await copyFile(next.certFile, cert)
    await assert.rejects(door.gateway.reload(), /certificate|key values mismatch/)
    await door.line('reload-refused', ({ detail }) => /certificate|key values mismatch/.test(String(detail)))
    assert.equal(await shown(), server.fingerprint256)

    await copyFile(next.keyFile, key)
    await door.gateway.reload()
    await door.line('reload-done')
    assert.equal(await shown(), next.fingerprint256)
    assert.equal(door.gateway.sessionCount, 1)
    await client.connection.close()
    await door.stop()
    await rm(folder, { recursive: true })
  })
})

describe('client certificates', () => {
  const authenticators = { badge: { type: 'clientCertificate' as const, subject: ['name' as const] } }
  const promote = [{ when: { authenticator: 'badge' }, to: 'smithj' }, { to: 'smithj' }]

  async function seen(
    url: string,
    client?: { cert: string; key: string },
    headers: Record<string, string> = {},
  ): Promise<string> {
    try {
      const websocket = {
        ca: certificates.authority.ca,
        headers,
        ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
      }
      const { connection, closed } = await connectAmqplib(url, { websocket })
      await connection.close()
      await closed
      return 'in'
    } catch (error) {
      return error instanceof UpgradeRefused ? String(error.status) : 'no handshake'
    }
  }

  it('are turned away in the handshake where they are required and no good', async (t) => {
    const door = await startDoor(
      {
        listen: { port: 0, tls: tls('required') },
        authenticators,
        service: { authenticate: ['badge'], promote },
      },
      t,
    )
    const { client, expired, notYetValid, foreign } = certificates
    assert.equal(await seen(door.url(), client), 'in')
    for (const bad of [expired, notYetValid, foreign.client, undefined])
      assert.equal(await seen(door.url(), bad), 'no handshake')
    assert.equal(door.broker.connections.length, 1)
    await door.stop()
  })

  it('are refused by HTTP where they are optional and no good, and may be absent', async (t) => {
    const authenticate = ['badge', 'staff']
    const door = await startDoor(
      {
        listen: { port: 0, tls: tls('optional') },
        authenticators,
        service: { authenticate, promote },
      },
      t,
    )
    const { client, expired, foreign } = certificates
    assert.equal(await seen(door.url(), client), 'in')
    assert.equal(await seen(door.url(), undefined, { authorization: basic() }), 'in')
    assert.equal(await seen(door.url()), '401')
    assert.equal(await seen(door.url(), expired), '401')
    assert.equal(await seen(door.url(), foreign.client), '401')
    assert.equal(await seen(door.url(), foreign.client, { authorization: basic() }), '401')
    await door.stop()
  })

  it('are asked for again on every connection: none is resumed', async (t) => {
    const door = await startDoor(
      {
        listen: { port: 0, tls: tls('required') },
        authenticators,
        service: { authenticate: ['badge'], promote },
      },
      t,
    )
    const { cert, key } = certificates.client
    const first = await handshake(door.port, { cert, key, maxVersion: 'TLSv1.2' })
    assert.ok(!(first instanceof Error))
    const session = first.getSession()
    first.destroy()
    const second = await handshake(door.port, {
      cert,
      key,
      maxVersion: 'TLSv1.2',
      ...(session === undefined ? {} : { session }),
    })
    assert.ok(!(second instanceof Error))
    assert.equal(second.isSessionReused(), false)
    second.destroy()
    await door.stop()
  })
})

describe('several listeners', () => {
  it('serve the same services', async (t) => {
    const door = await startDoor({ listen: [{ port: 0 }, { port: 0, tls: tls() }] }, t)
    const [plain, secure] = door.gateway.addresses
    for (const url of [plain?.url, secure?.url]) {
      const client = await connectAmqplib(`${url}/amqp`, {
        websocket: { ca: certificates.authority.ca, headers: { authorization: basic() } },
      })
      await client.connection.close()
    }
    await door.stop()
  })

  it('start all or none', async (t) => {
    const door = await startDoor({}, t)
    await assert.rejects(startDoor({ listen: [{ port: 0 }, { port: door.port }] }, t), { code: 'EADDRINUSE' })
    await door.stop()
  })
})

describe('a client that sends its head slowly', () => {
  it('D2 is cut off in time', { timeout: 30_000 }, async (t) => {
    const door = await startDoor({}, t)
    const socket = connectTcp(door.port, '127.0.0.1')
    socket.on('error', () => undefined)
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString()
    })
    const startedMs = performance.now()
    socket.write('GET /amqp HTTP/1.1\r\nHost: x\r\n')
    const drip = setInterval(() => socket.write('X-Drip: 1\r\n'), 500)
    await until(() => socket.closed, 'the end of it', 20_000)
    clearInterval(drip)
    assert.ok(performance.now() - startedMs < 13_000)
    assert.match(answer, /^HTTP\/1\.1 408/)
    await door.stop()
  })
})
