/** A listener behind proxies that announce their clients: who may connect, whose address counts, what a half header costs. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { proxyHeader } from '../../../../../proxy/session/dialling/proxy-protocol.ts'
import type { Hop } from '../../../../../src/http/hop.ts'
import { Listener, type ListenerOptions } from '../../../../../src/http/listener.ts'
import { type Certificates, createCertificates } from '../../../../support/certificates.ts'
import { until } from '../../../../support/until.ts'

const REQUEST = 'GET /nope HTTP/1.1\r\nHost: x\r\n\r\n'
const LINE = 'PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n'

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})
after(() => certificates.remove())

interface Scene {
  readonly listener: Listener
  readonly hops: Hop[]
  readonly dropped: string[]
  readonly options: ListenerOptions
  connect(): Socket
}

async function scene(t: TestContext, options: Partial<ListenerOptions> = {}): Promise<Scene> {
  const [hops, dropped]: [Hop[], string[]] = [[], []]
  const all = { host: '127.0.0.1', port: 0, proxyProtocol: true, trustedProxies: ['127.0.0.1'], ...options }
  const listener = new Listener(all, {
    request: (_request, response, hop) => {
      hops.push(hop)
      response.end('ok')
    },
    upgrade: (_request, socket) => void socket.destroy(),
    refused: () => {},
    dropped: (cause, _detail, address) => dropped.push(`${cause} ${address}`),
    hasRoom: () => true,
  })
  await listener.start()
  t.after(async () => {
    listener.cut()
    await listener.stop()
  })
  return {
    listener,
    hops,
    dropped,
    options: all,
    connect: () => {
      const socket = connect(listener.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      t.after(() => socket.destroy())
      return socket
    },
  }
}

const closed = (socket: Socket) => until(() => socket.closed, 'the end of the connection')

describe('a listener with proxyProtocol', () => {
  it('takes the address from the header, of either version, whole or byte by byte', async (t) => {
    const { hops, connect } = await scene(t)
    const ends = { localAddress: '192.0.2.1', remoteAddress: '192.0.2.2', remotePort: 443 }
    const headers = [Buffer.from(LINE), proxyHeader('203.0.113.7', ends), proxyHeader('2001:db8::7', ends)]
    for (const header of headers) connect().write(Buffer.concat([header, Buffer.from(REQUEST)]))
    await until(() => hops.length === 3, 'three requests')
    const slow = connect()
    slow.setNoDelay(true)
    for (const byte of Buffer.from(LINE)) {
      slow.write(Buffer.of(byte))
      await new Promise(setImmediate)
    }
    slow.write(REQUEST)
    await until(() => hops.length === 4, 'four requests')

    const addresses = hops.map(({ address }) => address).sort()
    assert.deepEqual(addresses, ['2001:db8::7', '203.0.113.7', '203.0.113.7', '203.0.113.7'])
    assert.ok(hops.every(({ address, peerAddress }) => address === peerAddress))
  })

  it('G71 looks at no X-Forwarded-For, which the client itself has written', async (t) => {
    const { hops, connect } = await scene(t, { trustedProxies: ['127.0.0.1', '203.0.113.7'] })
    connect().write(`${LINE}GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n`)
    await until(() => hops.length === 1, 'a request')
    assert.equal(hops[0]?.address, '203.0.113.7')
  })

  it('keeps the address for every request of the connection, and forgets it with it', async (t) => {
    const { hops, connect } = await scene(t)
    const socket = connect()
    socket.write(`${LINE}${REQUEST}`)
    await until(() => hops.length === 1, 'a request')
    socket.write(REQUEST)
    await until(() => hops.length === 2, 'the next request')
    assert.deepEqual(
      hops.map(({ address }) => address),
      ['203.0.113.7', '203.0.113.7'],
    )
  })

  it('takes the proxy for who it is where it speaks for itself', async (t) => {
    const { hops, connect } = await scene(t)
    connect().write(`PROXY UNKNOWN\r\n${REQUEST}`)
    await until(() => hops.length === 1, 'a request')
    assert.equal(hops[0]?.address, '127.0.0.1')
  })

  it('reads TLS behind the header, also where both arrive in one piece', async (t) => {
    const { server, authority } = certificates
    const tls = { cert: server.certFile, key: server.keyFile, minVersion: 'TLSv1.3' as const }
    const { hops, connect } = await scene(t, { tls })
    for (const isTogether of [true, false]) {
      const socket = connect()
      await until(() => !socket.connecting, 'a connection')
      if (isTogether) socket.cork()
      socket.write(LINE)
      if (!isTogether) await new Promise(setImmediate)
      const secure = connectTls({ socket, ca: authority.ca, servername: 'localhost' })
      if (isTogether) setImmediate(() => socket.uncork())
      secure.on('error', () => {})
      secure.resume()
      secure.write(REQUEST)
      await until(() => hops.length === (isTogether ? 1 : 2), 'a request over TLS')
      secure.destroy()
    }
    assert.ok(hops.every(({ address, isSecure }) => address === '203.0.113.7' && isSecure))
  })

  it('names the client in what goes wrong with TLS', async (t) => {
    const { server } = certificates
    const tls = { cert: server.certFile, key: server.keyFile, minVersion: 'TLSv1.3' as const }
    const { dropped, connect } = await scene(t, { tls })
    connect().write(`${LINE}${REQUEST}`)
    await until(() => dropped.length === 1, 'the failed handshake')
    assert.deepEqual(dropped, ['not-tls 203.0.113.7'])
  })

  it('G71 drops everybody who is no trusted proxy, header or not', async (t) => {
    const { hops, dropped, connect } = await scene(t, { trustedProxies: ['192.0.2.0/24'] })
    const [liar, plain] = [connect(), connect()]
    liar.write(`${LINE}${REQUEST}`)
    plain.write(REQUEST)
    await closed(liar)
    await closed(plain)
    assert.deepEqual(dropped, ['proxy-untrusted 127.0.0.1', 'proxy-untrusted 127.0.0.1'])
    assert.equal(hops.length, 0)
  })

  it('drops what begins with something else', async (t) => {
    const { hops, dropped, connect } = await scene(t)
    const socket = connect()
    socket.write(REQUEST)
    await closed(socket)
    assert.deepEqual(dropped, ['proxy-header 127.0.0.1'])
    assert.equal(hops.length, 0)
  })

  it('G72 waits for half a header until its deadline, and no longer', async (t) => {
    const { hops, dropped, connect } = await scene(t, { deadlines: { proxyHeader: 100 } })
    const [half, silent] = [connect(), connect()]
    half.write('PROXY TCP4 203.0.113.7')
    await closed(half)
    await closed(silent)
    assert.deepEqual(dropped, ['proxy-timeout 127.0.0.1', 'proxy-timeout 127.0.0.1'])
    assert.equal(hops.length, 0)
  })

  it('keeps the deadline of a head behind the header', async (t) => {
    const { hops, connect } = await scene(t, { deadlines: { head: 200 } })
    const socket = connect()
    socket.write(`${LINE}GET /nope HTT`)
    await closed(socket)
    assert.equal(hops.length, 0)
  })

  it('takes the end of a proxy that only looked for no mistake', async (t) => {
    const { dropped, connect } = await scene(t)
    const socket = connect()
    socket.end()
    await closed(socket)
    assert.deepEqual(dropped, ['proxy-abandoned 127.0.0.1'])
  })

  it('begins and ends with a reload, for connections that are made then', async (t) => {
    const { listener, hops, dropped, options, connect } = await scene(t)
    listener.change({ ...options, proxyProtocol: false })()
    const plain = connect()
    plain.write('GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n')
    await until(() => hops.length === 1, 'a request')
    assert.equal(hops[0]?.address, '198.51.100.1')

    listener.change(options)()
    plain.write('GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.2\r\n\r\n')
    await until(() => hops.length === 2, 'the next request of the same connection')
    assert.equal(hops[1]?.address, '127.0.0.1')
    const next = connect()
    next.write(REQUEST)
    await closed(next)
    assert.deepEqual(dropped, ['proxy-header 127.0.0.1'])
  })
})
