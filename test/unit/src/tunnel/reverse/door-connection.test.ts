/** One connection of a gateway to doors that fail, lie or hold it up: how it ends, and what the log says. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { announcement } from '../../../../../src/tunnel/announcement.ts'
import { DoorConnection } from '../../../../../src/tunnel/reverse/door-connection.ts'
import { MESSAGE_BYTES, makeChallenge, TUNNEL_PROTOCOL } from '../../../../../src/tunnel/wire.ts'
import type { Certificate } from '../../../../support/certificates.ts'
import { until } from '../../../../support/until.ts'
import { innerName, Wall } from '../../../../support/wall.ts'

const DAY_MS = 86_400_000
const ENDS = { remoteAddress: '192.0.2.1', remotePort: 1, localAddress: '192.0.2.2', localPort: 443 }

let wall: Wall
before(async () => {
  wall = await Wall.build()
})
after(() => wall.remove())

async function portOf(t: TestContext, server: Server): Promise<number> {
  const open = new Set<Socket>()
  server.on('connection', (socket) => open.add(socket.on('error', () => undefined)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A door that does this with each connection. */
async function doorThat(t: TestContext, serve: (socket: TLSSocket) => void, more: Partial<Certificate> = {}) {
  const { cert, key } = { ...wall.doorCertificate, ...more }
  const server = createTlsServer({ cert, key, ALPNProtocols: [TUNNEL_PROTOCOL] }, (socket) => {
    socket.on('error', () => undefined)
    serve(socket)
  })
  server.on('tlsClientError', () => undefined)
  return await portOf(t, server)
}

interface Seen {
  readonly lost: string | undefined
  readonly source: string | undefined
}

/** Dials, and waits for the end or a client. */
async function outcome(t: TestContext, port: number, silenceMs = 20_000): Promise<Seen> {
  let seen: Seen | undefined
  const [own] = wall.inner
  const connection = new DoorConnection(
    {
      ...{ host: '127.0.0.1', port, servername: 'localhost', minVersion: 'TLSv1.3', ALPNProtocols: [TUNNEL_PROTOCOL] },
      ...{ ca: wall.tunnel.ca, cert: own.cert, key: own.key },
    },
    {
      ready: () => undefined,
      given: (_connection, socket, source) => {
        seen = { lost: undefined, source }
        socket.destroy()
      },
      lost: (_connection, why) => {
        seen = { lost: why, source: undefined }
      },
    },
    { dialMs: 1_500, silenceMs },
  )
  t.after(() => connection.drop('the test is over'))
  return await until(() => seen, 'an end', 20_000)
}

const lostAt = async (t: TestContext, port: number) => (await outcome(t, port)).lost ?? assert.fail('it was given away')

describe('a connection to a door', { concurrency: true }, () => {
  it('says why there is none, in words that say where to look', async (t) => {
    const day = (offset: number) => new Date(Date.now() + offset * DAY_MS)
    const own = { commonName: 'door', names: ['localhost'], usage: 'server' } as const
    const http = createServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
    const rude = createServer((socket) => socket.once('data', () => socket.destroy()))
    const deaf = createServer(() => undefined)
    const foreign = wall.certificates.foreign.server
    const expired = await wall.tunnel.issue({ ...own, notBefore: day(-9), notAfter: day(-1) })
    const named = await wall.tunnel.issue({ ...own, names: ['other.example.com'] })
    const server = await wall.tunnel.issue(innerName('door'))
    const cases: readonly (readonly [RegExp, number])[] = [
      [/^what answers speaks no TLS: is this the port of a door/, await portOf(t, http)],
      [/^the connection ended during TLS: is this the port of a door for gateways/, await portOf(t, rude)],
      [/^the connection is accepted, but TLS is not answered: is the door stopped/, await portOf(t, deaf)],
      [/^`tls\.ca` does not vouch for the certificate/, await doorThat(t, () => undefined, foreign)],
      [/^the certificate of the door: certificate has expired/, await doorThat(t, () => undefined, expired)],
      [/^the certificate of the door has another name \(`tls\.serverName`/, await doorThat(t, () => undefined, named)],
      [/^`tls\.ca` does not vouch for the certificate .*purpose/, await doorThat(t, () => undefined, server)],
      [/^the door turned this gateway away: .* `door-gateway-refused`$/, await doorThat(t, (s) => void s.destroy())],
      [/^the door has sent no challenge/, await doorThat(t, () => undefined)],
      [/^it is no door$/, await doorThat(t, (s) => void s.write('220 mail.example.com ESMTP\r\n'))],
      [/ECONNREFUSED/, 1],
    ]
    const said = await Promise.all(cases.map(([, port]) => lostAt(t, port)))
    for (const [index, [expected]] of cases.entries())
      assert.match(said[index] ?? '', expected, `${index}: ${said[index]}`)
  })

  it('G97 does not let echoes grow that a door asks for and never reads', async (t) => {
    const asked = { bytes: 0, isOver: false }
    const port = await doorThat(t, (socket) => {
      socket.pause()
      socket.once('close', () => {
        asked.isOver = true
      })
      const many = Buffer.concat(Array.from({ length: 4_096 }, () => makeChallenge()))
      const flood = () => {
        if (asked.isOver) return
        asked.bytes += many.length
        socket.write(many, () => setImmediate(flood))
      }
      flood()
    })
    assert.equal(await lostAt(t, port), 'the door asks without reading the answers')
    t.diagnostic(`after ${asked.bytes} bytes of challenges`)
  })

  it('G97 bounds the announcement, in size and in time, and takes none before it is known', async (t) => {
    const header = announcement(ENDS)
    const long = Buffer.from(header)
    long.writeUInt16BE(0xffff, 14)
    assert.equal(await lostAt(t, await doorThat(t, (socket) => void socket.write(header))), 'it is no door')
    const afterChallenge = (bytes: Buffer) => (socket: TLSSocket) => {
      socket.write(makeChallenge())
      socket.once('data', (echo: Buffer) => {
        assert.equal(echo.length, MESSAGE_BYTES)
        socket.write(bytes)
      })
    }
    assert.equal(await lostAt(t, await doorThat(t, afterChallenge(long))), 'it is no door')
    const half = await doorThat(t, afterChallenge(header.subarray(0, 20)))
    assert.equal((await outcome(t, half, 300)).lost, 'the door has fallen silent')
    const slowly = await doorThat(t, (socket) => {
      socket.write(makeChallenge())
      socket.once('data', () => {
        for (const byte of header) socket.write(Buffer.from([byte]))
      })
    })
    assert.equal((await outcome(t, slowly)).source, '192.0.2.1')
  })
})
