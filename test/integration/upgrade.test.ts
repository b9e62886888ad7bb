/** What an upgrade request must look like, who it comes from, and what the 101 says. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connectAmqplib, openWebSocket, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, ORIGIN, sendRaw, startDoor, upgradeRequest } from '../support/door.ts'
import { forgeKey, publicJwk, signToken } from '../support/token-forge.ts'
import { until } from '../support/until.ts'

const TOKEN_ENTRY = `base64url.bearer.authorization.k8s.io.${Buffer.from('CANARY-token').toString('base64url')}`

describe('an upgrade request', () => {
  let door: Door

  before(async () => {
    door = await startDoor()
  })
  after(() => door.stop())

  const authorized: [string, string][] = [['Authorization', basic()]]

  const malformed: [what: string, request: string, status: number][] = [
    ['POST', upgradeRequest('/amqp', { more: authorized, line: 'POST /amqp HTTP/1.1' }), 405],
    ['HTTP/1.0', upgradeRequest('/amqp', { more: authorized, line: 'GET /amqp HTTP/1.0' }), 400],
    ['the URL of another host', upgradeRequest('/amqp', { more: authorized, line: 'GET http://x/amqp HTTP/1.1' }), 400],
    [
      'the URL of another port',
      upgradeRequest('/amqp', { more: authorized, line: 'GET http://127.0.0.1:81/amqp HTTP/1.1' }),
      400,
    ],
    [
      'a URL with a user',
      upgradeRequest('/amqp', { more: authorized, line: 'GET http://127.0.0.1@x/amqp HTTP/1.1' }),
      400,
    ],
    [
      'a host that is none',
      upgradeRequest('/amqp', { without: ['Host'], more: [...authorized, ['Host', 'a b']] }),
      400,
    ],
    ['a bare line feed', `GET /amqp HTTP/1.1\nHost: 127.0.0.1\n\n`, 400],
    ['a header on two lines', upgradeRequest('/amqp', { more: [...authorized, ['X-Folded', 'a\r\n b']] }), 400],
    [
      'both lengths',
      upgradeRequest('/amqp', { more: [...authorized, ['Content-Length', '0'], ['Transfer-Encoding', 'chunked']] }),
      400,
    ],
    [
      'two lengths',
      upgradeRequest('/amqp', { more: [...authorized, ['Content-Length', '0'], ['Content-Length', '0']] }),
      400,
    ],
    ['a body', upgradeRequest('/amqp', { more: [...authorized, ['Content-Length', '4']] }), 400],
    ['a chunked body', upgradeRequest('/amqp', { more: [...authorized, ['Transfer-Encoding', 'chunked']] }), 400],
    ['Expect', upgradeRequest('/amqp', { more: [...authorized, ['Expect', '100-continue']] }), 400],
    ['two credentials (G3)', upgradeRequest('/amqp', { more: [...authorized, ...authorized] }), 400],
    [
      'two origins (G3)',
      upgradeRequest('/amqp', { more: [...authorized, ['Origin', ORIGIN], ['Origin', ORIGIN]] }),
      400,
    ],
    ['two hosts (G3)', upgradeRequest('/amqp', { more: [...authorized, ['Host', 'b']] }), 400],
    [
      'version 8',
      upgradeRequest('/amqp', {
        without: ['Sec-WebSocket-Version'],
        more: [...authorized, ['Sec-WebSocket-Version', '8']],
      }),
      426,
    ],
    [
      'h2c beside websocket',
      upgradeRequest('/amqp', { without: ['Upgrade'], more: [...authorized, ['Upgrade', 'h2c, websocket']] }),
      400,
    ],
    [
      'only unknown subprotocols',
      upgradeRequest('/amqp', { more: [...authorized, ['Sec-WebSocket-Protocol', 'binary']] }),
      400,
    ],
    [
      'a token entry alone',
      upgradeRequest('/amqp', { more: [...authorized, ['Sec-WebSocket-Protocol', TOKEN_ENTRY]] }),
      400,
    ],
    ['no Host', upgradeRequest('/amqp', { without: ['Host'], more: authorized }), 400],
    ['a header of 20 KiB', upgradeRequest('/amqp', { more: [['X-Large', 'x'.repeat(20_000)]] }), 431],
    ['spaces before a colon', upgradeRequest('/amqp', { more: [['Authorization ', basic()]] }), 400],
  ]
  for (const [what, request, status] of malformed) {
    it(`G5 is refused with ${what}`, async () => {
      const answer = await sendRaw(door.port, request)
      answer.socket.destroy()
      assert.equal(answer.status, status)
      assert.deepEqual(answer.headers.get('connection'), ['close'])
    })
  }

  const foreignPaths = [
    '/',
    '/AMQP',
    '/amqp/',
    '/amqp//',
    '//amqp',
    '/%61mqp',
    '/amqp%2f',
    '/x/../amqp',
    '/amqp/..',
    '/amqp;x',
    '/amqp\\',
    '/amqp%00',
    '/amqp%3fticket=1',
    '/metrics',
    '/health/ready',
  ]
  for (const path of foreignPaths) {
    it(`G5 G6 finds no service at ${path}`, async () => {
      const answer = await sendRaw(door.port, upgradeRequest(path, { more: authorized }))
      answer.socket.destroy()
      assert.equal(answer.status, 404)
    })
  }

  it('G6 gets round no proof by its query, its fragment or its user agent', async () => {
    for (const target of [
      '/amqp?/health/ready',
      '/amqp?path=/metrics',
      '/amqp#/health/live',
      '/amqp?x=%2fauth%2flogin',
    ]) {
      const more: [string, string][] = [['User-Agent', 'kube-probe/1.30']]
      const answer = await sendRaw(door.port, upgradeRequest(target, { more }))
      answer.socket.destroy()
      assert.equal(answer.status, target.includes('#') ? 400 : 401, target)
    }
  })

  it('is not needed to learn that a service speaks WebSocket only', async () => {
    const answer = await sendRaw(door.port, 'GET /amqp HTTP/1.1\r\nHost: x\r\n\r\n')
    answer.socket.destroy()
    assert.equal(answer.status, 426)
    assert.deepEqual(answer.headers.get('upgrade'), ['websocket'])
  })

  it('A13 dials no broker and leaves nothing behind when it is refused', async () => {
    assert.equal(door.broker.connections.length, 0)
    assert.equal(door.gateway.sessionCount, 0)
  })

  const subprotocols: [offered: string[], answered: string][] = [
    [[], ''],
    [['amqp'], 'amqp'],
    [['binary', 'amqp'], 'amqp'],
    [['amqp', TOKEN_ENTRY], 'amqp'],
  ]
  for (const [offered, answered] of subprotocols) {
    it(`G10 with subprotocols [${offered.map((entry) => entry.slice(0, 12)).join(', ')}] is answered '${answered}'`, async () => {
      const answer = await sendRaw(
        door.port,
        upgradeRequest('/amqp', {
          more: [
            ...authorized,
            ...(offered.length === 0 ? [] : [['Sec-WebSocket-Protocol', offered.join(', ')] as [string, string]]),
          ],
        }),
      )
      answer.socket.destroy()
      assert.equal(answer.status, 101)
      assert.deepEqual(answer.headers.get('sec-websocket-protocol') ?? [], answered === '' ? [] : [answered])
    })
  }

  it('D7 is not answered with compression', async () => {
    const socket = await openWebSocket(door.url(), {
      websocket: { headers: { authorization: basic() }, perMessageDeflate: true },
    })
    assert.equal(socket.extensions, '')
    socket.terminate()
  })

  it('G10 shows the token neither in the answer nor in the log', async () => {
    assert.equal(JSON.stringify(door.lines).includes('CANARY'), false)
    const { headers } = await sendRaw(
      door.port,
      upgradeRequest('/amqp', { more: [['Sec-WebSocket-Protocol', `amqp, ${TOKEN_ENTRY}`]] }),
    )
    assert.equal(JSON.stringify([...headers]).includes(TOKEN_ENTRY), false)
  })

  it('opens a session for whom it is proven', async () => {
    const client = await connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
    await client.connection.close()
    assert.equal((await client.closed).code, 1000)
    const line = await door.line('session-ended', ({ reason }) => reason === 'client-closed')
    assert.deepEqual(
      { subject: line['subject'], user: line['user'], by: line['by'], service: line['service'], vhost: line['vhost'] },
      { subject: 'joe.smith', user: 'smithj', by: 'client', service: '/amqp', vhost: '/' },
    )
  })

  it('may come with bytes of the client, which count once it is proven', async () => {
    const before = door.broker.connections.length
    const answer = await sendRaw(door.port, `${upgradeRequest('/amqp', { more: authorized })}\x88\x80\x00\x00\x00\x00`)
    assert.equal(answer.status, 101)
    await until(() => answer.socket.closed || answer.socket.readableEnded, 'the closing handshake')
    assert.ok(door.broker.connections.length <= before + 1)
  })
})

describe('a client that goes away while it is being authenticated', () => {
  it('G7 harms nobody, whenever that is', async (t) => {
    const door = await startDoor({}, t)
    const sockets = Array.from({ length: 200 }, () => {
      const socket = connect(door.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(upgradeRequest('/amqp', { more: [['Authorization', basic()]] }))
      return socket
    })

    for (const [n, socket] of sockets.entries()) setTimeout(() => socket.resetAndDestroy(), n % 50).unref()

    await until(() => sockets.every(({ destroyed }) => destroyed), 'all resets')
    const client = await connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
    await client.connection.close()
    await until(() => door.gateway.sessionCount === 0, 'no session left')
    await door.stop()
  })
})

describe('a client that goes away while the keys of its issuer are being fetched', () => {
  it('G7 harms nobody, and no broker is dialled for it', async (t) => {
    const key = forgeKey('ES256', 'key')
    const held: ServerResponse[] = []
    const issuer = createServer((_, response) => void held.push(response))
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
    t.after(() => issuer.close())
    t.after(() => issuer.closeAllConnections())
    const jwksUri = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`
    const sso = { type: 'jwt', issuer: 'https://issuer.example.com', audience: 'amqp', jwksUri } as const
    const door = await startDoor(
      { authenticators: { sso }, service: { authenticate: ['sso'], promote: [{ to: 'smithj' }] } },
      t,
    )
    const claims = { iss: sso.issuer, aud: 'amqp', sub: 'joe', exp: Date.now() / 1000 + 60 }
    const authorization = `Bearer ${signToken({ alg: 'ES256', kid: key.kid }, claims, key)}`
    // Only the gateway's own ends of the connections say what it has read of them, and in which order.
    const accepted: Socket[] = []
    const collect = (message: unknown) => {
      const { socket } = message as { socket: Socket }
      if (socket.localPort === door.port) accepted.push(socket)
    }
    subscribe('net.server.socket', collect)
    t.after(() => unsubscribe('net.server.socket', collect))
    const sockets = Array.from({ length: 50 }, () => {
      const socket = connect(door.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(upgradeRequest('/amqp', { more: [['Authorization', authorization]] }))
      return socket
    })
    const staying = openWebSocket(door.url(), { websocket: { headers: { authorization } } })
    await until(() => held.length > 0, 'a request for keys')
    await until(() => accepted.filter(({ bytesRead }) => bytesRead > 0).length === 51, 'all requests')

    for (const socket of sockets) socket.resetAndDestroy()
    await until(
      () => accepted.filter(({ destroyed }) => destroyed).length === 50,
      'all resets, as the gateway reads them',
    )
    const keys = JSON.stringify({ keys: [publicJwk(key)] })
    for (const response of held) response.writeHead(200, { 'content-type': 'application/json' }).end(keys)

    const socket = await staying
    await until(() => door.broker.connections.length > 0 && door.gateway.sessionCount === 1, 'one session')
    assert.equal(door.broker.connections.length, 1)
    socket.terminate()
    await door.stop()
  })
})

describe('proof', () => {
  it('G1 is asked for at every path of every listener, by upgrade and by request', async (t) => {
    const common = { broker: 'main', vhost: '/', origins: [ORIGIN], promote: [{ to: 'smithj' }] }
    const door = await startDoor(
      {
        listen: [{ port: 0 }, { port: 0, trustedProxies: ['127.0.0.0/8'] }],
        authenticators: {
          front: { type: 'forwarded', trustedProxies: ['127.0.0.0/8'], secret: 'CANARY-secret-of-the-proxy' },
          portal: { type: 'oidc', issuer: 'http://127.0.0.1:1', clientId: 'gatehouse', publicUrl: ORIGIN },
        },
        moreServices: [
          { ...common, path: '/front', authenticate: ['front', 'tickets'] },
          { ...common, path: '/portal', authenticate: ['portal', 'tickets'] },
          { ...common, path: '/both', authenticate: [{ all: ['front', 'staff'] }, 'tickets'] },
        ],
      },
      t,
    )
    for (const { port } of door.gateway.addresses) {
      for (const service of ['/amqp', '/front', '/portal', '/both']) {
        for (const request of [
          upgradeRequest(service),
          upgradeRequest(`${service}?ticket=${'A'.repeat(43)}`),
          `POST /auth/ticket?service=${service} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`,
          `GET /auth/whoami?service=${service} HTTP/1.1\r\nHost: x\r\n\r\n`,
        ]) {
          const answer = await sendRaw(port, request)
          answer.socket.destroy()
          assert.equal(answer.status, 401, request)
        }
      }
    }
    assert.equal(door.broker.connections.length, 0)
    await door.stop()
  })
})

describe('the address of a client', () => {
  it('G9 is taken from a trusted proxy only, and allowed or denied by it', async (t) => {
    const service = { require: { addresses: { allow: ['203.0.113.0/24'], deny: ['203.0.113.66'] } } }
    const proxied = await startDoor({ service, listen: { port: 0, trustedProxies: ['127.0.0.0/8'] } }, t)
    const attempt = async (forwardedFor: string) => {
      const headers = { authorization: basic(), 'x-forwarded-for': forwardedFor }
      try {
        const client = await connectAmqplib(proxied.url(), { websocket: { headers } })
        await client.connection.close()
        return 'in'
      } catch (error) {
        return error instanceof UpgradeRefused ? error.status : error
      }
    }

    assert.equal(await attempt('203.0.113.7'), 'in')
    assert.equal(await attempt('198.51.100.1, 203.0.113.7'), 'in')
    assert.equal(await attempt('203.0.113.66'), 403)
    assert.equal(await attempt('203.0.113.7, 198.51.100.1'), 403)
    assert.equal(await attempt('203.0.113.7, nonsense'), 403)
    const refused = await proxied.line('authorization-refused', ({ address }) => address === '198.51.100.1')
    assert.equal(refused['allow'], '- "198.51.100.1"   # under require.addresses.allow')
    assert.equal((await proxied.line('session-ended'))['address'], '203.0.113.7')
    await proxied.stop()

    const direct = await startDoor({ service }, t)
    await assert.rejects(
      connectAmqplib(direct.url(), {
        websocket: { headers: { authorization: basic(), 'x-forwarded-for': '203.0.113.7' } },
      }),
      { status: 403 },
    )
    await direct.stop()
  })
})
