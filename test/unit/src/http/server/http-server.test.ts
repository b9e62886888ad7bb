/** What a listener bears from peers that nobody knows: unfinished handshakes, requests without end, answers unread. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { TLSSocket } from 'node:tls'
import { type Deadlines, HttpServer, type HttpServerEvents } from '../../../../../src/http/server/http-server.ts'
import { type Certificates, createCertificates } from '../../../../support/certificates.ts'
import { RawPeer } from '../../../../support/raw-peer.ts'
import { until } from '../../../../support/until.ts'

const NOPE = 'GET /nope HTTP/1.1\r\nHost: x\r\n\r\n'
/** As many as make a process of 256 MiB die where they are not bounded. */
const FLOOD = 24_000

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})
after(() => certificates.remove())

interface Scene {
  readonly server: HttpServer
  readonly requests: IncomingMessage[]
  readonly refused: string[]
  readonly dropped: string[]
  connect(): Promise<RawPeer>
}

interface SceneOptions {
  readonly tls?: boolean
  readonly deadlines?: Partial<Deadlines>
  answer?(request: IncomingMessage, response: ServerResponse): void
  readonly upgrade?: NonNullable<HttpServerEvents['upgrade']>
}

async function scene(t: TestContext, { tls = false, deadlines, answer, upgrade }: SceneOptions = {}): Promise<Scene> {
  const { server: pair, authority } = certificates
  const [requests, refused, dropped]: [IncomingMessage[], string[], string[]] = [[], [], []]
  const server = new HttpServer(
    {
      host: '127.0.0.1',
      port: 0,
      tls: tls ? { cert: pair.certFile, key: pair.keyFile, minVersion: 'TLSv1.2' } : undefined,
      deadlines,
    },
    {
      request: (request, response) => {
        requests.push(request)
        // As routes do: not at once.
        if (answer === undefined) queueMicrotask(() => response.writeHead(404).end('not found'))
        else answer(request, response)
      },
      ...(upgrade === undefined ? {} : { upgrade }),
      refused: ({ cause, status, detail }) => refused.push(`${cause} ${status} ${detail}`),
      dropped: (cause) => dropped.push(cause),
    },
  )
  await server.start('listen')
  t.after(() => {
    const stopped = server.stop()
    server.cut()
    return stopped
  })
  const connectPeer = () => RawPeer.connect(server.port, tls ? authority.ca : undefined)
  return { server, requests, refused, dropped, connect: connectPeer }
}

describe('an address that changes between plain HTTP and TLS', () => {
  it('speaks the other way with whoever comes next; earlier connections end after their request', async (t) => {
    const { server, requests } = await scene(t)
    const { server: pair, authority } = certificates
    const tls = { cert: pair.certFile, key: pair.keyFile, minVersion: 'TLSv1.2' } as const
    const { port } = server
    const answered = async (peer: RawPeer) => await until(() => peer.text.includes('not found'), 'an answer')

    const early = (await RawPeer.connect(port)).reads().write(NOPE)
    await answered(early)
    const busy = (await RawPeer.connect(port)).reads().write(NOPE.slice(0, 20))
    await until(() => server.socketCount === 2, 'both')
    assert.throws(() => server.change({ ...tls, key: pair.certFile }))
    server.change(tls)()

    await early.ended()
    busy.write(NOPE.slice(20))
    await busy.ended()
    assert.match(busy.text, /^HTTP\/1\.1 404 .*\r\nConnection: close\r\n/s)
    const secure = (await RawPeer.connect(port, authority.ca)).reads().write(NOPE)
    await answered(secure)
    assert.ok(requests.at(-1)?.socket instanceof TLSSocket)

    server.change(undefined)()
    await secure.ended()
    server.change(tls)()
    server.change(undefined)()
    await answered((await RawPeer.connect(port)).reads().write(NOPE))
    assert.deepEqual([requests.length, server.port], [4, port])
  })
})

describe('a TLS handshake that is not finished', () => {
  /** A ClientHello's beginning: a record of 512 bytes that is announced. */
  const HELLO = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(100)])

  const ways: [how: string, after: Uint8Array, cause: string][] = [
    ['silent', new Uint8Array(), 'tls-timeout'],
    ['one byte', HELLO.subarray(0, 1), 'tls-timeout'],
    ['half a ClientHello', HELLO, 'tls-timeout'],
    ['plain HTTP', Buffer.from(NOPE), 'not-tls'],
    ['a PROXY line', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n'), 'not-tls'],
    ['noise', Buffer.alloc(64, 0xff), 'not-tls'],
  ]
  for (const [how, bytes, cause] of ways) {
    it(`D1 leaves nothing behind at its deadline: ${how}`, async (t) => {
      const { server, dropped } = await scene(t, { tls: true, deadlines: { handshake: 300 } })
      // Half of them end their side, and stay.
      const sockets = [false, true].map((ends) => {
        const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
        socket.on('error', () => undefined)
        socket.write(bytes)
        if (ends) socket.end()
        return socket
      })
      await until(() => dropped.length === 2, 'both drops')
      await until(() => server.socketCount === 0, 'no socket left')
      assert.ok(
        dropped.every((one) => one === cause || one === 'tls-abandoned'),
        dropped.join(),
      )
      assert.ok(dropped.includes(cause))
      for (const socket of sockets) socket.destroy()
    })
  }

  it('D1 has one deadline, however busy it seems', async (t) => {
    const { server, dropped } = await scene(t, { tls: true, deadlines: { handshake: 300 } })
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined)
    let at = 0
    const drip = setInterval(() => socket.write(HELLO.subarray(at, ++at)), 20)
    t.after(() => clearInterval(drip))
    await until(() => dropped[0] === 'tls-timeout', 'the drop')
    await until(() => server.socketCount === 0, 'no socket left')
    assert.ok(at < HELLO.length)
  })
})

for (const tls of [false, true]) {
  describe(`requests on one connection (${tls ? 'TLS' : 'plain'})`, () => {
    it('D2 may be sixteen at once, as often as one likes', async (t) => {
      const { requests, refused, connect: come } = await scene(t, { tls })
      const peer = (await come()).reads()
      for (let round = 1; round <= 20; round++) {
        peer.write(NOPE.repeat(16))
        await until(() => peer.statuses.length === 16 * round, 'sixteen answers')
      }
      assert.equal(requests.length, 320)
      assert.deepEqual(refused, [])
      peer.socket.destroy()
    })

    it('D2 end the connection where more wait: sixteen are answered, the next is refused, no other is looked at', async (t) => {
      const { server, requests, refused, connect: come } = await scene(t, { tls })
      const peer = (await come()).reads().write(NOPE.repeat(FLOOD))
      await peer.ended()
      assert.deepEqual(peer.statuses, [...Array<string>(16).fill('404'), '429'])
      assert.equal(requests.length, 16)
      assert.equal(refused.length, 1)
      await until(() => server.socketCount === 0, 'no socket left')
    })

    it('D2 wait with 64 KiB together at most', async (t) => {
      const held: ServerResponse[] = []
      const { requests, refused, connect: come } = await scene(t, { tls, answer: (_, response) => held.push(response) })
      const large = `GET /nope HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(15_000)}\r\n\r\n`
      const peer = (await come()).reads().write(large.repeat(12))
      await until(() => refused.length > 0, 'a refusal')
      assert.equal(requests.length, 5)
      for (const response of held) response.end()
      await peer.ended()
      assert.deepEqual(peer.statuses, [...Array<string>(5).fill('200'), '429'])
    })

    for (const [what, request] of [
      ['without Host', 'GET / HTTP/1.1\r\n\r\n'],
      ['that expect what nobody can', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n'],
      ['that want a tunnel', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ] as const) {
      it(`D2 are bounded where they are refused before they are any: ${what}`, async (t) => {
        const { requests, refused, connect: come } = await scene(t, { tls })
        const peer = (await come()).reads().write(request.repeat(FLOOD))
        await peer.ended()
        assert.ok(peer.statuses.length >= 1 && peer.statuses.length <= 17)
        assert.equal(requests.length, 0)
        assert.ok(refused.length >= 1 && refused.length <= 17, String(refused.length))
      })
    }

    it('D2 cost the connection where their answers are not read in time', async (t) => {
      const large = Buffer.alloc(1024 * 1024)
      const {
        server,
        dropped,
        connect: come,
      } = await scene(t, {
        tls,
        deadlines: { unread: 300 },
        answer: (_, response) => response.end(large),
      })
      const peer = await come()
      peer.write(NOPE.repeat(16))
      await until(() => dropped.length > 0, 'the drop')
      assert.deepEqual(dropped, ['answer-unread'])
      await until(() => server.socketCount === 0, 'no socket left')
      peer.socket.destroy()
    })

    it('D2 have no more time where too many came', async (t) => {
      const large = Buffer.alloc(1024 * 1024)
      const {
        server,
        dropped,
        connect: come,
      } = await scene(t, {
        tls,
        deadlines: { unread: 300 },
        answer: (_, response) => response.end(large),
      })
      const peer = await come()
      peer.write(NOPE.repeat(FLOOD))
      await until(() => dropped.length > 0, 'the drop')
      await until(() => server.socketCount === 0, 'no socket left')
      peer.socket.destroy()
    })
  })
}

describe('the order of answers', () => {
  const UPGRADE = 'GET /amqp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

  it('G5 is kept by an upgrade behind a request: it is refused behind the answer', async (t) => {
    const held: ServerResponse[] = []
    const { refused, connect: come } = await scene(t, {
      answer: (_, response) => held.push(response),
      upgrade: () => assert.fail('it is none'),
    })
    const peer = (await come()).reads().write(NOPE + UPGRADE)
    await until(() => refused.length === 1, 'a refusal')
    held[0]?.end()
    await peer.ended()
    assert.deepEqual(peer.statuses, ['200', '400'])
  })

  it('G5 is kept by what is no request behind one', async (t) => {
    const held: ServerResponse[] = []
    const { connect: come, refused } = await scene(t, { answer: (_, response) => held.push(response) })
    const peer = (await come()).reads().write(`${NOPE}\x01\x02`)
    await until(() => refused.length === 1, 'a refusal')
    held[0]?.end()
    await peer.ended()
    assert.deepEqual(peer.statuses, ['200', '400'])
  })

  it('G5 takes other upgrades for what they are beside: requests', async (t) => {
    const { requests, connect: come } = await scene(t, { upgrade: () => assert.fail('it is none') })
    const h2c = `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`
    const peer = (await come()).reads().write(h2c + NOPE)
    await peer.ended()
    assert.deepEqual(peer.statuses, ['404'])
    assert.match(peer.text, /^connection: close\r$/im)
    assert.equal(requests.length, 1)
  })
})

describe('what is no HTTP', () => {
  const others: [bytes: string, refused: RegExp][] = [
    [
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
      /^not-http 400 a PROXY protocol line \(version 1\)/,
    ],
    ['\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', /^not-http 400 a PROXY protocol header \(version 2\)/],
    ['\x16\x03\x01\x02\0\x01', /^not-http 400 TLS/],
    ['AMQP\0\0\x09\x01', /^not-http 400 AMQP/],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^not-http 400 HTTP\/2/],
    ['SSH-2.0-OpenSSH_9.2\r\n', /^not-http 400 SSH/],
    ['GET / HTTP/1.1\r\nHost : x\r\n\r\n', /^bad-request 400 expected each header/],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /^bad-request 431/],
    ['GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', /^bad-request 400/],
    ['GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', /^bad-request 400 expected a host/],
    ['CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', /^bad-request 405/],
  ]
  for (const [bytes, expected] of others) {
    it(`G5 is answered once and called by its name: ${JSON.stringify(bytes.slice(0, 24))}`, async (t) => {
      const { refused, connect: come, server } = await scene(t)
      const peer = (await come()).reads().write(bytes)
      await peer.ended()
      assert.equal(refused.length, 1, refused.join())
      assert.match(refused[0] ?? '', expected)
      assert.equal(peer.statuses.length, 1)
      await until(() => server.socketCount === 0, 'no socket left')
    })
  }

  it('G5 is not the silence of a peer, which is cut off in time', async (t) => {
    const { refused, connect: come } = await scene(t, { deadlines: { head: 200, request: 400 } })
    const peer = (await come()).reads()
    await peer.ended()
    assert.match(refused[0] ?? '', /^bad-request 408/)
  })
})
