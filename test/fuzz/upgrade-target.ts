/** The head of an upgrade request, spoilt: everything that reads it before anybody is proven to be somebody. */
import { strict as assert } from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { AuthenticationRefused } from '../../auth/index.ts'
import { readBasicHeader } from '../../auth/strategies/basic/header.ts'
import { cookieValues, queryValues } from '../../auth/strategies/carriers.ts'
import { parseStrictObject } from '../../auth/strategies/jwt/json.ts'
import { checkUpgradeHead, pathOf } from '../../src/http/head.ts'
import { addressSet, clientAddress } from '../../src/services/address.ts'
import { OriginRule } from '../../src/services/origin.ts'
import { chooseSubprotocol } from '../../src/websocket/subprotocol.ts'
import type { Random } from '../support/random.ts'
import { spoilt } from './spoilt.ts'

const TOKEN = Buffer.from('{"iss":"https://idp.example.com","sub":"joe.smith","aud":["amqp"],"exp":4102444800}')

const HEADS = [
  'GET /amqp HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
  'Origin: https://app.example.com\r\nSec-WebSocket-Protocol: amqp, base64url.bearer.authorization.k8s.io.ZXlK\r\n',
  'Authorization: Basic am9lLnNtaXRoOndlbGNvbWU=\r\nX-Forwarded-User: joe\r\nX_Forwarded_User: jim\r\n',
  'X-Forwarded-For: 198.51.100.7, 203.0.113.9:443, [2001:db8::1]:1, 127.0.0.1\r\nCookie: a=b; ticket=0f0f; a=c\r\n',
  'Transfer-Encoding: chunked\r\nContent-Length: 7\r\nHost: b\r\n',
]

const TRUSTED = addressSet(['127.0.0.0/8', '203.0.113.0/24'])
const ORIGINS = new OriginRule(['https://app.example.com'])

export function upgradeTarget(random: Random): void {
  const text = spoilt(Buffer.from(`${HEADS[0]}${random.pick(HEADS)}${random.pick(HEADS)}`), random).toString('latin1')
  const head = read(text)
  const problem = checkUpgradeHead(head, ['x-forwarded-user'])
  assert.ok(problem === undefined || (problem.status >= 400 && problem.detail !== ''))
  assert.ok(!pathOf(head.url).includes('?'))
  const { origin } = head.headers
  if (origin !== undefined) assert.equal(ORIGINS.allows(origin), origin === 'https://app.example.com')
  const subprotocol = chooseSubprotocol(head.headers['sec-websocket-protocol'])
  assert.ok(!subprotocol.accepted || subprotocol.protocol === undefined || subprotocol.protocol === 'amqp')
  const basic = readBasicHeader(head)
  assert.ok(basic.kind !== 'present' || (basic.user !== '' && !basic.user.includes(':')))
  cookieValues(head, 'ticket')
  queryValues(head, 'ticket')
  const forwarded = head.headers['x-forwarded-for']
  const address = clientAddress('127.0.0.1', Array.isArray(forwarded) ? forwarded.join(',') : forwarded, TRUSTED)
  assert.ok(isIP(address) > 0, `${address} is no address`)
  token(spoilt(TOKEN, random))
}

function token(bytes: Buffer): void {
  try {
    assert.equal(typeof parseStrictObject(bytes, 'the token'), 'object')
  } catch (error) {
    if (!(error instanceof AuthenticationRefused)) throw error
  }
}

/** As Node's parser hands it over, but with whatever the lines hold. */
function read(text: string): IncomingMessage {
  const [request = '', ...lines] = text.split('\r\n')
  const [method, url, version] = request.split(' ')
  const pairs = lines.filter((line) => line.includes(':')).map((line) => line.split(/: ?(.*)/s, 2))
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name = '', value = ''] of pairs) headers[name.toLowerCase()] ??= value
  const rawHeaders = pairs.flatMap(([name = '', value = '']) => [name, value])
  // Only what is read of a request that is refused or admitted by its head.
  return { method, url, httpVersion: version?.slice(5), headers, rawHeaders } as unknown as IncomingMessage
}
