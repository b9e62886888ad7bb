/** The search for secrets finds what it is meant to find: a search that finds nothing proves nothing by itself. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { canary, findSecrets, formsOf, refuseCanaries } from '../../../../support/canary.ts'

const secret = canary('test')
const bytes = Buffer.from(secret)

describe('a canary', () => {
  for (const [how, written] of Object.entries({
    'as it is': secret,
    'in hexadecimal': bytes.toString('hex'),
    'in JSON': JSON.stringify({ password: secret }),
    'in JSON in JSON': JSON.stringify({ line: JSON.stringify({ password: secret }) }),
    'in a URL': `/?p=${encodeURIComponent(secret)}`,
    'in a form': new URLSearchParams({ p: secret }).toString(),
    'in Basic': Buffer.from(`joe:${secret}`).toString('base64'),
    'in a SASL response': Buffer.from(`\0joe\0${secret}`).toString('base64'),
    'in a SASL response, one byte on': Buffer.from(`\0joes\0${secret}`).toString('base64'),
    'in a SASL response, two bytes on': Buffer.from(`\0joe.s\0${secret}`).toString('base64'),
    'as Erlang prints bytes': `<<${[...bytes].join(',')}>>`,
    'as Node prints bytes': inspect(bytes.subarray(0, 48)),
    'as Node prints objects': inspect({ password: secret }),
    'in a frame': Buffer.concat([Buffer.from([1, 0, 0]), bytes]),
  })) {
    it(`is found ${how}`, () => {
      if (how !== 'as Node prints bytes') assert.ok(findSecrets(written, { secret }).length > 0)
      assert.throws(() => refuseCanaries('here', written), /a secret in here/)
    })
  }

  it('is found in Base64 between whatever else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 9 }), (before, behind) => {
        for (const encoding of ['base64', 'base64url'] as const) {
          const text = Buffer.concat([before, bytes, behind]).toString(encoding)
          assert.ok(findSecrets(text, { secret }).length > 0, text)
        }
      }),
    )
  })

  it('is not found where it is not, and not repeated where it is', () => {
    assert.deepEqual(findSecrets('an ordinary line {"event":"session-ended"}', { secret }), [])
    refuseCanaries('a log', 'an ordinary line')
    assert.ok(!findSecrets(`before ${secret}`, { secret }).join().includes(secret))
    assert.ok([...formsOf(secret).values()].every((form) => form.length >= 6))
  })
})
