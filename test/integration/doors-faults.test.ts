/** Doors among peers that fail, lie, are slow or are too many: what is bounded, who is unharmed, and that nothing is left. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connect as connectTls, createServer, type TLSSocket } from 'node:tls'
import type { Certificate } from '../support/certificates.ts'
import { startDoor } from '../support/door.ts'
import { InnerPeer, type InnerPeerOptions } from '../support/inner-peer.ts'
import { until, within } from '../support/until.ts'
import { innerName, type OuterDoor, Wall } from '../support/wall.ts'

const DAY_MS = 86_400_000
/** What a dead connection may cost a client, and what a loaded machine adds. */
const DEAD_MS = 500
const SLACK_MS = 1_500
/** More of them: `npm test DOOR_FAULTS=1000 test/integration/doors-faults.test.ts`. */
const FAULT_COUNT = Number(process.env['DOOR_FAULTS'] ?? 150)

let wall: Wall
before(async () => {
  wall = await Wall.build()
})
after(() => wall.remove())

const [A, B] = [0, 1] as const

/** Plays the inner end until the test is over. */
function peer(t: TestContext, outer: OuterDoor, more: InnerPeerOptions = {}): InnerPeer {
  const made = new InnerPeer(wall, outer, { certificate: wall.inner[A], ...more })
  t.after(() => made.socket.destroy())
  return made
}

/** A client that has sent the first message of its TLS. */
function client(t: TestContext, outer: OuterDoor, servername = 'localhost'): TLSSocket {
  const socket = connectTls({ host: '127.0.0.1', port: outer.door.port, servername, rejectUnauthorized: false })
  socket.on('error', () => undefined)
  t.after(() => socket.destroy())
  return socket
}

function bare(t: TestContext, outer: OuterDoor, bytes?: string | Buffer): Socket {
  const socket = connect({ host: '127.0.0.1', port: outer.door.port, allowHalfOpen: true })
  socket.on('error', () => undefined).resume()
  if (bytes !== undefined) socket.write(bytes)
  t.after(() => socket.destroy())
  return socket
}

const gone = (socket: Socket, what: string) => until(() => socket.destroyed || socket.readableEnded, what, 20_000)

const refused = (outer: OuterDoor, cause: string) =>
  outer.line(
    cause.startsWith('gateway') ? 'door-gateway-refused' : 'door-client-refused',
    (line) => line['cause'] === cause,
  )

const emptied = (outer: OuterDoor) => until(() => outer.door.socketCount === 0, 'no socket at the door', 20_000)

describe('at the inner port', { concurrency: true }, () => {
  it('G93 nobody is taken without a certificate of the authority that is valid and carries a name', async (t) => {
    const outer = await wall.door(t)
    const { tunnel, certificates, inner } = wall
    const day = (offset: number) => new Date(Date.now() + offset * DAY_MS)
    const strangers: readonly (readonly [cause: string, certificate: Certificate | undefined])[] = [
      ['gateway-tls', undefined],
      ['gateway-tls', certificates.client],
      ['gateway-tls', certificates.foreign.client],
      ['gateway-tls', await tunnel.issue({ ...innerName('inner-a'), notBefore: day(-9), notAfter: day(-1) })],
      ['gateway-tls', await tunnel.issue({ ...innerName('inner-a'), notBefore: day(1), notAfter: day(9) })],
      ['gateway-tls', await tunnel.issue({ ...innerName('inner-a'), usage: 'server' })],
      ['gateway-name', await tunnel.issue(innerName('inner-c'))],
      ['gateway-name', await tunnel.issue(innerName('inner-a.example.com'))],
      ['gateway-name', await tunnel.issue({ commonName: '*', names: ['*'], usage: 'client' })],
    ]
    for (const [index, [cause, certificate]] of strangers.entries()) {
      const stranger = peer(t, outer, { certificate })
      await stranger.ended()
      assert.equal(stranger.challengeCount, 0)
      await until(
        () => outer.lines.filter((line) => line['event'] === 'door-gateway-refused').length > Math.min(index, 4),
        `${cause} of ${index}`,
      )
    }
    await Promise.all([refused(outer, 'gateway-tls'), refused(outer, 'gateway-name')])
    assert.equal(outer.door.spareCount, 0)
    const good = await peer(t, outer, { certificate: inner[A] }).parked()
    assert.equal(good.socket.destroyed, false)
  })

  it('G93 another protocol, an older TLS and idle talk are ended', async (t) => {
    const outer = await wall.door(t)
    const options = { certificate: wall.inner[A] }
    const elsewhere = new InnerPeer(wall, outer, { ...options, connect: { ALPNProtocols: ['http/1.1'] } })
    const silent = new InnerPeer(wall, outer, { ...options, connect: { ALPNProtocols: [] } })
    const old = new InnerPeer(wall, outer, { ...options, connect: { maxVersion: 'TLSv1.2' } })
    await Promise.all([elsewhere.ended(), silent.ended(), old.ended()])
    assert.equal(outer.door.spareCount, 0)
    const talker = await peer(t, outer).parked()
    talker.socket.write('GET / HTTP/1.1\r\n\r\n')
    await talker.ended()
    await outer.line('door-gateway-silent', ({ detail }) => detail === 'it sent something else than an echo')
    await emptied(outer)
  })

  it('G93 a stranger who opens many connections there keeps no gateway out', async (t) => {
    const outer = await wall.door(t)
    const { innerPort } = outer.door
    const strangers = Array.from({ length: 300 }, () => connect({ host: '127.0.0.1', port: innerPort }))
    t.after(() => strangers.map((socket) => socket.destroy()))
    for (const socket of strangers) socket.on('error', () => undefined)
    const line = await refused(outer, 'gateway-limit')
    assert.equal(line['address'], '127.0.0.1')
    await peer(t, outer, { connect: { localAddress: '127.0.0.9' } }).parked()
    for (const socket of strangers) socket.destroy()
    await until(() => outer.door.socketCount === 1, 'only the gateway is left', 20_000)
    await peer(t, outer).parked()
  })

  it('tells who is turned away, and why', async (t) => {
    const outer = await wall.door(t)
    const day = (offset: number) => new Date(Date.now() + offset * DAY_MS)
    const expired = await wall.tunnel.issue({ ...innerName('inner-a'), notBefore: day(-9), notAfter: day(-1) })
    await Promise.all([
      peer(t, outer, { certificate: expired }).ended(),
      peer(t, outer, { certificate: undefined }).ended(),
    ])
    for (const detail of [/does not vouch for its certificate: CERT_HAS_EXPIRED/, /shows no certificate/]) {
      const line = await outer.line('door-gateway-refused', (one) => detail.test(String(one['detail'])))
      assert.equal(line['address'], '127.0.0.1')
    }
  })

  it('a door believes no other authority either: a gateway leaves one that it does not know', async (t) => {
    const { server } = wall.certificates.foreign
    let challenged = 0
    const impostor = createServer(
      { cert: server.cert, key: server.key, ALPNProtocols: ['gatehouse-door/1'] },
      (socket) => {
        socket.on('error', () => undefined)
        socket.on('data', () => challenged++)
      },
    )
    impostor.on('tlsClientError', () => undefined)
    impostor.listen(0, '127.0.0.1')
    await once(impostor, 'listening')
    t.after(() => impostor.close())
    const { port } = impostor.address() as { port: number }
    const gateway = await startDoor({ listen: [wall.listener([`tls://localhost:${port}`])] }, t)
    const line = await gateway.line('door-away')
    assert.match(String(line['detail']), /certificate/)
    assert.equal(challenged, 0)
  })
})

describe('a gateway that is dead and looks alive', { concurrency: true }, () => {
  it('G96 costs a client half a second once, and the clients behind it nothing', async (t) => {
    const outer = await wall.door(t)
    const dead = await Promise.all(Array.from({ length: 8 }, () => peer(t, outer, { echoes: 1 }).parked()))
    await outer.spare(8)
    const alive = await Promise.all(
      Array.from({ length: 4 }, () => peer(t, outer, { certificate: wall.inner[B] }).parked()),
    )
    await outer.spare(12)
    const sinceMs = performance.now()
    client(t, outer)
    await until(() => alive.some(({ isGiven }) => isGiven), 'a live connection', 10_000)
    const costMs = performance.now() - sinceMs
    assert.ok(costMs <= DEAD_MS + SLACK_MS, `${costMs} ms`)
    t.diagnostic(`a dead connection cost ${Math.round(costMs)} ms`)
    // All of that gateway are doubted by now.
    assert.ok(dead.every(({ challengeCount }) => challengeCount === 2))
    const nextMs = performance.now()
    client(t, outer)
    await until(() => alive.filter(({ isGiven }) => isGiven).length === 2, 'the next one', 10_000)
    t.diagnostic(`the next client waited ${Math.round(performance.now() - nextMs)} ms`)
  })

  it('is found without any client, and its connections end', async (t) => {
    const outer = await wall.door(t, {}, { challengeMs: 200, lateMs: 100, deadMs: 400 })
    const frozen = peer(t, outer, { echoes: 2 })
    const alive = peer(t, outer, { certificate: wall.inner[B] })
    await frozen.ended()
    await until(() => alive.challengeCount > 4, 'more challenges')
    assert.equal(outer.door.spareCount, 1)
    await outer.line('door-gateway-left', ({ gateway }) => gateway === 'inner-a')
  })

  it('that is only slow gets its connections back', async (t) => {
    const outer = await wall.door(t, {}, { challengeMs: 100, lateMs: 50, deadMs: 10_000 })
    const slow = await peer(t, outer).parked()
    slow.socket.pause()
    client(t, outer)
    await until(async () => /gatehouse_door_spare\{site="\*"\} 0/.test(await metrics(outer)), 'it is late')
    slow.socket.resume()
    await until(() => slow.isGiven, 'the client is given to it after all')
  })
})

describe('a client', { concurrency: true }, () => {
  it('is dropped within `wait` where no gateway is inside', async (t) => {
    const outer = await wall.door(t, { wait: '300ms' })
    const sinceMs = performance.now()
    const lost = client(t, outer)
    await gone(lost, 'the end')
    assert.ok(performance.now() - sinceMs >= 290)
    await refused(outer, 'no-gateway')
    await emptied(outer)
  })

  it('G96 that speaks no TLS costs no connection of a gateway', async (t) => {
    const outer = await wall.door(t)
    const inner = await peer(t, outer).parked()
    for (const bytes of ['GET /amqp HTTP/1.1\r\n\r\n', 'AMQP\0\0\x09\x01', Buffer.alloc(32_768, 22)])
      await gone(bare(t, outer, bytes), 'the end')
    await refused(outer, 'not-tls')
    const silent = bare(t, outer)
    await once(silent, 'connect')
    silent.end()
    await until(() => outer.door.socketCount === 1, 'the half-open client is gone')
    assert.equal(inner.isGiven, false)
  })

  it('that sends its hello byte by byte is served, and its half-open end is passed on', async (t) => {
    const outer = await wall.door(t)
    const hello = await firstBytes(t, outer)
    const inner = await peer(t, outer).parked()
    const slow = bare(t, outer)
    await once(slow, 'connect')
    for (const byte of hello) slow.write(Buffer.from([byte]))
    await until(() => inner.isGiven, 'it is given', 20_000)
    assert.equal(inner.source, '127.0.0.1')
    inner.socket.allowHalfOpen = true
    slow.end()
    await once(inner.socket, 'end')
    inner.socket.end('the last words')
    const [last] = (await Promise.race([once(slow, 'data'), once(slow, 'close')])) as [Buffer | undefined]
    assert.equal(last?.toString(), 'the last words')
    await gone(slow, 'the end')
    await emptied(outer)
  })

  it('G96 has limits: of its address, of all, of time without a byte', async (t) => {
    const limits = { connectionsPerAddress: 3, connections: 4, idle: '1s' }
    const outer = await wall.door(t, { limits, wait: '30s' })
    const others = Array.from({ length: 3 }, () => bare(t, outer))
    await until(() => outer.door.socketCount === 3, 'three clients')
    await gone(bare(t, outer), 'the fourth')
    await refused(outer, 'address-limit')
    const elsewhere = () => {
      const socket = connect({ host: '127.0.0.1', port: outer.door.port, localAddress: '127.0.0.9' })
      t.after(() => socket.destroy())
      return socket.on('error', () => undefined).resume()
    }
    elsewhere()
    await until(() => outer.door.socketCount === 4, 'four clients')
    await gone(elsewhere(), 'the fifth')
    await refused(outer, 'limit')
    for (const other of others) other.destroy()
    await until(() => outer.door.socketCount === 1, 'room')
    const inner = await peer(t, outer).parked()
    const idle = client(t, outer)
    await until(() => inner.isGiven, 'it is given')
    await Promise.all([gone(idle, 'the end of the idle one'), inner.ended()])
  })

  it('G96 that does not read stops the gateway from writing, and holds no memory of the door', async (t) => {
    const outer = await wall.door(t)
    const hello = await firstBytes(t, outer)
    const inner = await peer(t, outer).parked()
    const deaf = connect({ host: '127.0.0.1', port: outer.door.port })
    t.after(() => deaf.destroy())
    deaf.on('error', () => undefined).pause()
    deaf.write(hello)
    await until(() => inner.isGiven, 'it is given')
    const before = process.memoryUsage()
    const piece = Buffer.alloc(1024 * 1024)
    let acceptedCount = 0
    // The test's own socket would hold all that it is told to write: it writes no more than the door takes.
    while (acceptedCount < 256 && (await taken(inner.socket, piece))) acceptedCount += 1
    assert.ok(acceptedCount < 64, `${acceptedCount} MiB were taken`)
    const { arrayBuffers } = process.memoryUsage()
    assert.ok(arrayBuffers - before.arrayBuffers < 64 * 1024 * 1024, `${arrayBuffers - before.arrayBuffers} bytes more`)
    deaf.destroy()
    await inner.ended()
    await emptied(outer)
    t.diagnostic(`${acceptedCount} MiB until the gateway had to wait`)
  })

  it('G96 leaves nothing behind, however it and the gateway end', async (t) => {
    const outer = await wall.door(t, { limits: { connectionsPerAddress: 2_000 } })
    const hello = await firstBytes(t, outer)
    const AT_ONCE = 50
    for (let done = 0; done < FAULT_COUNT; done += AT_ONCE) {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, index) => {
          const inner = new InnerPeer(wall, outer, { certificate: wall.inner[A], echoes: index % 10 === 0 ? 1 : 1_000 })
          await inner.parked()
          const visitor = bare(t, outer, index % 10 === 1 ? hello.subarray(0, 20) : hello)
          await once(visitor, 'connect')
          switch (index % 5) {
            case 0:
              visitor.resetAndDestroy()
              inner.socket.destroy()
              break
            case 1:
              visitor.destroy()
              inner.socket.destroy()
              break
            case 2:
              inner.socket.destroy()
              visitor.destroy()
              break
            case 3:
              visitor.end()
              inner.socket.end()
              break
            default:
              inner.socket.once('data', () => inner.socket.destroy())
              visitor.write('more')
              setImmediate(() => {
                inner.socket.destroy()
                visitor.resetAndDestroy()
              })
          }
        }),
      )
    }
    await emptied(outer)
    assert.match(await metrics(outer), /gatehouse_door_clients 0\n/)
    assert.match(await metrics(outer), /gatehouse_door_waiting\{site="\*"\} 0\n/)
    assert.equal(outer.door.spareCount, 0)
  })
})

describe('a door that runs', { concurrency: true }, () => {
  it('follows another configuration: who may not come any more leaves at once, and who is served stays', async (t) => {
    const outer = await wall.door(t)
    const [given, waiting] = [await peer(t, outer).parked(), peer(t, outer)]
    const served = client(t, outer)
    await until(() => given.isGiven || waiting.isGiven, 'it is given')
    const { config } = outer
    outer.door.change({ ...config, inner: { ...config.inner, names: ['inner-b'] } })
    const spare = given.isGiven ? waiting : given
    await spare.ended()
    assert.equal(served.destroyed, false)
    await peer(t, outer).ended()
    await refused(outer, 'gateway-name')
    await peer(t, outer, { certificate: wall.inner[B] }).parked()
    assert.throws(() => {
      outer.door.change({
        ...config,
        inner: { ...config.inner, tls: { ...config.inner.tls, key: config.inner.tls.cert } },
      })
    })
  })

  it('waits for its clients when it stops, as long as `drain` says', async (t) => {
    const outer = await wall.door(t, { drain: '10s' })
    const inner = await peer(t, outer).parked()
    client(t, outer)
    await until(() => inner.isGiven, 'it is given')
    const closed = outer.door.close()
    await gone(bare(t, outer), 'the next client')
    assert.equal(inner.socket.destroyed, false)
    inner.socket.destroy()
    await within(closed, 'the end of the door', 8_000)
    await outer.line('door-stopped')
  })
})

async function metrics(outer: OuterDoor): Promise<string> {
  return await (await fetch(`${outer.door.adminUrl}/metrics`)).text()
}

/** Whether the bytes have left for the system within a while. */
async function taken(socket: TLSSocket, bytes: Buffer): Promise<boolean> {
  return await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 1_500)
    socket.write(bytes, () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

/** The first message of a client's TLS, as one sends it. */
async function firstBytes(t: TestContext, outer: OuterDoor): Promise<Buffer> {
  const inner = await peer(t, outer).parked()
  const held: Buffer[] = []
  inner.socket.on('data', (bytes: Buffer) => held.push(bytes))
  const one = client(t, outer)
  await until(() => inner.isGiven, 'a client')
  await until(() => Buffer.concat(held).includes(Buffer.from('localhost')), 'its first message')
  one.destroy()
  await inner.ended()
  const all = Buffer.concat(held)
  return all.subarray(all.indexOf(Buffer.from([22, 3, 1])))
}
