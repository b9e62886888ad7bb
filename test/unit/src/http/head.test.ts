import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkUpgradeHead, pathOf } from '../../../../src/http/head.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

const GOOD: [string, string][] = [
  ['Host', 'gateway.example.com'],
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', KEY],
]

interface Changes {
  readonly without?: string
  readonly more?: readonly [string, string][]
  readonly method?: string
  readonly httpVersion?: string
  readonly url?: string
}

function check({ without, more = [], method = 'GET', httpVersion = '1.1', url = '/amqp' }: Changes) {
  const lines = [...GOOD.filter(([name]) => name !== without), ...more]
  const headers: Record<string, string> = {}
  for (const [name, value] of lines) headers[name.toLowerCase()] ??= value
  return checkUpgradeHead({ method, httpVersion, url, headers, rawHeaders: lines.flat() }, ['x-forwarded-user'])
}

describe('checkUpgradeHead', () => {
  it('accepts a plain upgrade', () => assert.equal(check({}), undefined))

  it('accepts the token in any case', () => {
    assert.equal(check({ without: 'Upgrade', more: [['upgrade', 'WebSocket']] }), undefined)
  })

  it('accepts several X-Forwarded-For headers', () => {
    assert.equal(
      check({
        more: [
          ['X-Forwarded-For', '1.1.1.1'],
          ['X-Forwarded-For', '2.2.2.2'],
        ],
      }),
      undefined,
    )
  })

  const harmless: [what: string, changes: Changes][] = [
    ['Content-Length: 0, as Kestrel, Envoy and websockets for Python send it', { more: [['Content-Length', '0']] }],
    ['more zeros', { more: [['Content-Length', '000']] }],
    ['a line of Connection that a proxy added', { more: [['Connection', 'keep-alive']] }],
    ['empty elements in lists', { without: 'Upgrade', more: [['Upgrade', ', websocket ,,']] }],
    [
      'what proxies add',
      {
        more: [
          ['Via', '1.1 a'],
          ['TE', 'trailers'],
          ['Max-Forwards', '9'],
          ['X-Empty', ''],
        ],
      },
    ],
  ]
  for (const [what, changes] of harmless) it(`accepts ${what}`, () => assert.equal(check(changes), undefined))

  const refused: [what: string, changes: Changes, status: number][] = [
    ['another method', { method: 'POST' }, 405],
    ['HTTP/1.0', { httpVersion: '1.0' }, 400],
    ['an absolute URL', { url: 'http://gateway.example.com/amqp' }, 400],
    ['a fragment', { url: '/amqp#x' }, 400],
    ['no Upgrade', { without: 'Upgrade' }, 400],
    ['a list of protocols to upgrade to', { without: 'Upgrade', more: [['Upgrade', 'h2c, websocket']] }, 400],
    ['another version', { without: 'Sec-WebSocket-Version', more: [['Sec-WebSocket-Version', '8']] }, 426],
    ['no version', { without: 'Sec-WebSocket-Version' }, 426],
    ['no key', { without: 'Sec-WebSocket-Key' }, 400],
    ['a short key', { without: 'Sec-WebSocket-Key', more: [['Sec-WebSocket-Key', 'c2hvcnQ=']] }, 400],
    ['Content-Length', { more: [['Content-Length', '1']] }, 400],
    ['a length in other words', { more: [['Content-Length', '+0']] }, 400],
    ['Transfer-Encoding', { more: [['Transfer-Encoding', 'chunked']] }, 400],
    ['Trailer', { more: [['Trailer', 'X-A']] }, 400],
    ['Expect', { more: [['Expect', '100-continue']] }, 400],
    [
      'two Authorization headers',
      {
        more: [
          ['Authorization', 'Basic YTph'],
          ['authorization', 'Basic YTph'],
        ],
      },
      400,
    ],
    [
      'two Origin headers',
      {
        more: [
          ['Origin', 'https://a.example'],
          ['Origin', 'https://b.example'],
        ],
      },
      400,
    ],
    ['two Host headers', { more: [['Host', 'other.example.com']] }, 400],
    ['two Upgrade headers', { more: [['Upgrade', 'websocket']] }, 400],
    ['two keys', { more: [['Sec-WebSocket-Key', KEY]] }, 400],
    [
      'two identity headers',
      {
        more: [
          ['X-Forwarded-User', 'a'],
          ['X-Forwarded-User', 'b'],
        ],
      },
      400,
    ],
    ['an identity header with underscores', { more: [['X_Forwarded_User', 'root']] }, 400],
    ['an identity header with one underscore', { more: [['X-Forwarded_User', 'root']] }, 400],
    ['an Authorization-like header with an underscore', { more: [['Sec_WebSocket-Key', KEY]] }, 400],
    ['too many headers', { more: Array.from({ length: 100 }, (_, n): [string, string] => [`X-${n}`, '1']) }, 431],
  ]
  for (const [what, changes, status] of refused) {
    it(`C35 G5 refuses ${what}`, () => assert.equal(check(changes)?.status, status))
  }

  it('never repeats what was sent', () => {
    const problem = check({ without: 'Upgrade', more: [['Upgrade', '<script>']] })
    assert.doesNotMatch(problem?.detail ?? '', /script/)
  })
})

describe('pathOf', () => {
  it('cuts the query off and decodes nothing', () => {
    assert.equal(pathOf('/amqp?ticket=x?y'), '/amqp')
    assert.equal(pathOf('/%61mqp'), '/%61mqp')
    assert.equal(pathOf('/a/../amqp'), '/a/../amqp')
    assert.equal(pathOf(undefined), '')
  })
})
