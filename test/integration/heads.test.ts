/** What HTTP allows a proxy to do to a request on its way, and how it is said that a request was no good. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { basic, type Door, sendRaw, startDoor, upgradeRequest } from '../support/door.ts'

/** An upgrade request with such lists, and a host. */
function changedRequest(connection: [string, string], upgrade: [string, string], host = '127.0.0.1'): string {
  const more: [string, string][] = [['Host', host], connection, upgrade, ['Authorization', basic()]]
  return upgradeRequest('/amqp', { without: ['Host', 'Connection', 'Upgrade'], more })
}

describe('the head of an upgrade', () => {
  let door: Door

  before(async () => {
    door = await startDoor({ level: 'info' })
  })
  after(() => door.stop())

  const authorized: [string, string][] = [['Authorization', basic()]]

  const changed: [what: string, request: string][] = [
    ['Content-Length: 0', upgradeRequest('/amqp', { more: [...authorized, ['Content-Length', '0']] })],
    ['another line of Connection', upgradeRequest('/amqp', { more: [...authorized, ['Connection', 'keep-alive']] })],
    ['lists in other words', changedRequest(['Connection', ',keep-alive , UPGRADE,'], ['Upgrade', ', WebSocket ,'])],
    ['a tab behind a list', changedRequest(['Connection', 'Upgrade\t'], ['Upgrade', 'websocket\t'])],
    [
      'an end of the connection that is announced',
      changedRequest(['Connection', 'close, Upgrade'], ['Upgrade', 'websocket']),
    ],
    [
      'an offer of HTTP/2 settings',
      changedRequest(['Connection', 'Upgrade, HTTP2-Settings'], ['Upgrade', 'websocket']),
    ],
    ['its own URL', upgradeRequest('/amqp', { more: authorized, line: 'GET http://127.0.0.1/amqp HTTP/1.1' })],
    [
      'its own URL, spelt out',
      upgradeRequest('/amqp', { more: authorized, line: 'GET WS://127.0.0.1.:80/amqp HTTP/1.1' }),
    ],
    [
      'a host with a dot at its end',
      changedRequest(['Connection', 'Upgrade'], ['Upgrade', 'websocket'], 'gate.example.com.'),
    ],
    ['an empty host', changedRequest(['Connection', 'Upgrade'], ['Upgrade', 'websocket'], '')],
    ['an IPv6 host', changedRequest(['Connection', 'Upgrade'], ['Upgrade', 'websocket'], '[::1]:8080')],
    ['an empty line before it', `\r\n${upgradeRequest('/amqp', { more: authorized })}`],
    [
      'empty headers',
      upgradeRequest('/amqp', {
        more: [
          ...authorized,
          ['Sec-WebSocket-Protocol', ''],
          ['Sec-WebSocket-Extensions', ''],
          ['X-Forwarded-For', ''],
          ['Cookie', ''],
        ],
      }),
    ],
    [
      'subprotocols with gaps',
      upgradeRequest('/amqp', { more: [...authorized, ['Sec-WebSocket-Protocol', ', amqp,, binary,']] }),
    ],
    [
      'subprotocols on two lines',
      upgradeRequest('/amqp', {
        more: [...authorized, ['Sec-WebSocket-Protocol', 'binary'], ['Sec-WebSocket-Protocol', 'amqp']],
      }),
    ],
    [
      'headers of proxies',
      upgradeRequest('/amqp', {
        more: [
          ...authorized,
          ['Via', '1.1 a, 1.1 b'],
          ['TE', 'trailers'],
          ['Max-Forwards', '9'],
          ['Keep-Alive', 'timeout=5'],
          ['Proxy-Connection', 'keep-alive'],
          ['Forwarded', 'for=192.0.2.1'],
          ['Priority', 'u=1'],
        ],
      }),
    ],
    [
      'names in other cases',
      upgradeRequest('/amqp', { more: authorized })
        .toLowerCase()
        .replace(/^get (.*) http/, 'GET $1 HTTP')
        .replace('dghlihnhbxbszsbub25jzq==', 'dGhlIHNhbXBsZSBub25jZQ==')
        .replace(/basic .*/, authorized[0]?.[1] ?? ''),
    ],
  ]
  for (const [what, request] of changed) {
    it(`is taken as HTTP allows proxies to change it: ${what}`, async () => {
      const answer = await sendRaw(door.port, request)
      answer.socket.destroy()
      assert.equal(answer.status, 101, answer.body)
    })
  }

  it('is counted and logged at info where it is refused, with what was expected', async () => {
    const answer = await sendRaw(door.port, 'AMQP\0\0\x09\x01')
    answer.socket.destroy()
    assert.equal(answer.status, 400)
    const line = await door.line('request-refused', ({ cause }) => cause === 'not-http')
    assert.deepEqual(
      [line['level'], line['status'], line['detail']],
      ['info', 400, 'AMQP came without a WebSocket around it'],
    )
    const missed = await fetch(door.http('/nowhere'))
    assert.equal(missed.status, 404)
    assert.equal((await door.line('request-refused', ({ detail }) => detail === 'not found'))['level'], 'info')
    const metrics = await (await fetch(`${door.gateway.adminAddress?.url}/metrics`)).text()
    assert.match(metrics, /gatehouse_refusals_total\{cause="not-http"\} 1/)
    assert.match(metrics, /gatehouse_refusals_total\{cause="unknown-path"\} [1-9]/)
  })
})
