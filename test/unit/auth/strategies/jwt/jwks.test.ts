/** Key sets over a network that fails in every way, with a clock of the test's own. */
import assert from 'node:assert/strict'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { KeySet, type KeySetEvent, type KeySource } from '../../../../../auth/strategies/jwt/jwks.ts'
import { boundedFetch, fetchJson } from '../../../../../auth/strategies/jwt/jwks-fetch.ts'
import { readKeySet } from '../../../../../auth/strategies/jwt/jwks-key.ts'
import { forgeKey, publicJwk } from '../../../../support/token-forge.ts'

const first = publicJwk(forgeKey('ES256', 'first'))
const second = publicJwk(forgeKey('ES256', 'second'))
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

let server: Server
let origin = ''
let requestCount = 0
let answer: (response: ServerResponse) => void

const json =
  (body: unknown, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
const text = (body: string) => (response: ServerResponse) => void response.end(body)

before(async () => {
  server = createServer((_request, response) => {
    requestCount += 1
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

beforeEach(() => {
  requestCount = 0
  answer = json({ keys: [first] })
})

after(() => {
  server.closeAllConnections()
  server.close()
})

function keySet(source: Partial<KeySource> = {}) {
  const events: KeySetEvent[] = []
  const clock = { nowMs: 0 }
  const keys = new KeySet({
    source: {
      where: `${origin}/jwks`,
      freshMs: 10 * MINUTE_MS,
      againMs: 30_000,
      load: (signal) => fetchJson(fetch, `${origin}/jwks`, signal),
      ...source,
    },
    algorithms: ['ES256'],
    monotonicMs: () => clock.nowMs,
    observe: (event) => events.push(event),
  })
  const has = async (kid: string) => (await keys.find('ES256', kid)).length > 0
  return { keys, events, clock, has }
}

describe('KeySet', () => {
  it('fetches once for any number of tokens at once, and keeps what it has', async () => {
    const { has } = keySet()

    const found = await Promise.all(Array.from({ length: 1000 }, () => has('first')))

    assert.ok(found.every(Boolean))
    assert.equal(await has('first'), true)
    assert.equal(requestCount, 1)
  })

  it('fetches at most twice for 10,000 unknown keys, and at most once in 30 s', async () => {
    const { has, clock } = keySet()

    for (let index = 0; index < 10_000; index += 1) assert.equal(await has(`unknown-${index}`), false)

    assert.ok(requestCount <= 2, String(requestCount))
    requestCount = 0
    for (let second = 0; second < 300; second += 1) {
      clock.nowMs += 1000
      await has(`unknown-${second}`)
    }
    assert.ok(requestCount <= 10, String(requestCount))
  })

  it('finds a new key as soon as a token names it', async () => {
    const { has, clock } = keySet()
    await has('first')
    answer = json({ keys: [first, second] })
    clock.nowMs += 30_000

    const found = await Promise.all([has('second'), has('second'), has('first')])

    assert.deepEqual(found, [true, true, true])
    assert.equal(requestCount, 2)
  })

  it('drops a key that the issuer dropped, within ten minutes', async () => {
    const { has, clock } = keySet()
    await has('first')
    answer = json({ keys: [second] })

    clock.nowMs += 10 * MINUTE_MS + 1

    assert.equal(await has('first'), false)
    assert.equal(await has('second'), true)
  })

  it('keeps the last good keys through an outage of a day, and says once that there is one', async () => {
    const { has, clock, events } = keySet()
    await has('first')
    answer = json({ error: 'down' }, 503)

    for (; clock.nowMs < DAY_MS - MINUTE_MS; clock.nowMs += 11 * MINUTE_MS) assert.equal(await has('first'), true)
    clock.nowMs = DAY_MS + 1
    await assert.rejects(has('first'), /temporary failure: the key "first" is not known.*503/)

    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['keys-unavailable'],
    )
    answer = json({ keys: [first] })
    clock.nowMs += 2000
    assert.equal(await has('first'), true)
    assert.deepEqual(events.at(-1), { kind: 'keys-available', where: `${origin}/jwks`, keyCount: 1 })
  })

  it('tells an unknown key from one it cannot ask about', async () => {
    const { has, clock } = keySet()
    await has('first')
    assert.equal(await has('second'), false)
    answer = json({}, 500)
    clock.nowMs += 30_000

    await assert.rejects(has('second'), /temporary failure/)

    assert.equal(await has('first'), true)
  })

  it('finds a provider that starts after the gateway', async () => {
    const { has, clock } = keySet()
    answer = (response) => response.destroy()
    await assert.rejects(has('first'), /temporary failure/)
    answer = json({ keys: [first] })
    await assert.rejects(has('first'), /temporary failure/)

    clock.nowMs += 2000

    assert.equal(await has('first'), true)
  })

  it('loads anew when told to, and stops when closed', async () => {
    const { keys, has, events } = keySet()
    await has('first')
    answer = json({ keys: [second] })
    await keys.load()
    assert.equal(await has('second'), true)

    let asked = () => {}
    const arrived = new Promise<void>((resolve) => {
      asked = resolve
    })
    answer = () => asked()
    const loading = keys.load()
    await arrived
    keys.close()
    await loading

    assert.deepEqual(events, [])
  })

  for (const [what, wrong] of [
    ['an empty set', json({ keys: [] })],
    ['no keys at all', json({})],
    ['keys that are no list', json({ keys: {} })],
    ['a list instead of a set', json([first])],
    ['null', text('null')],
    ['nothing', text('')],
    ['a web page', text('<html>down for maintenance</html>')],
    ['JSON cut short', text('{"keys":[')],
    ['keys of other algorithms only', json({ keys: [publicJwk(forgeKey('EdDSA'))] })],
    ['keys for encryption only', json({ keys: [{ ...first, use: 'enc' }] })],
    ['secrets only', json({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'first' }] })],
    ['status 404 with keys', json({ keys: [first] }, 404)],
    ['status 201 with keys', json({ keys: [first] }, 201)],
    ['a redirect', (response: ServerResponse) => void response.writeHead(302, { location: '/jwks' }).end()],
    ['more than 256 KiB', json({ keys: [first], filler: 'x'.repeat(257 * 1024) })],
    ['a body without end', (response: ServerResponse) => endless(response)],
    ['a reset', (response: ServerResponse) => void response.destroy()],
    [
      'a body cut short',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-length': 1000 }).write('{"keys"')
        setImmediate(() => response.destroy())
      },
    ],
  ] as const) {
    it(`G14 keeps the keys it has when it is answered with ${what}`, async () => {
      const { has, keys, events } = keySet()
      await has('first')
      answer = wrong

      await keys.load()

      assert.equal(events[0]?.kind, 'keys-unavailable')
      assert.equal(await has('first'), true)
    })
  }
})

describe('boundedFetch', () => {
  it('G14 goes nowhere but to https, or to loopback', async () => {
    const never = () => assert.fail('fetched')
    for (const url of [
      'http://idp.example.com/',
      'http://10.0.0.1/',
      'ftp://127.0.0.1/',
      'data:text/plain,{}',
      'http://127.0.0.1.evil.example/',
    ]) {
      await assert.rejects(boundedFetch(never, url), /https/)
    }
  })

  it('G14 gives up at its deadline, before an answer and in the middle of one', async () => {
    answer = () => undefined
    await assert.rejects(boundedFetch(fetch, `${origin}/jwks`, {}, 50), /timeout/)
    answer = (response) => void response.writeHead(200).write('{')
    await assert.rejects(boundedFetch(fetch, `${origin}/jwks`, {}, 50), /timeout/)
  })

  it('gives up when it is told to', async () => {
    const closed = AbortSignal.abort(new Error('closed'))
    await assert.rejects(fetchJson(fetch, `${origin}/jwks`, closed), /closed/)
  })
})

describe('readKeySet', () => {
  it('takes nothing but what makes a public key a key', async () => {
    const key = forgeKey('ES256', 'k')
    const withPrivate = {
      ...key.privateKey.export({ format: 'jwk' }),
      kid: 'k',
      x5c: ['x'],
      key_ops: ['verify'],
      ext: true,
    }

    const [read] = await readKeySet({ keys: [withPrivate] }, ['ES256'])

    assert.deepEqual(Object.keys(read?.jwk ?? {}), ['kty', 'crv', 'x', 'y'])
    assert.deepEqual(read?.algorithms, ['ES256'])
  })

  it('reads no more than 100 keys', async () => {
    const many = Array.from({ length: 150 }, (_, index) => ({ ...first, kid: `k${index}` }))
    assert.equal((await readKeySet({ keys: many }, ['ES256'])).length, 100)
  })
})

function endless(response: ServerResponse): void {
  const chunk = Buffer.alloc(16 * 1024, 0x20)
  const fill = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', fill)
  fill()
}
