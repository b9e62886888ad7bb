/** Whatever is in a claim, the broker sees one user and one password, or nothing at all. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PromotionRefused } from '../../auth/errors.ts'
import { word } from '../../auth/promotion/conditions/variables.ts'
import type { PromotionRuleInput } from '../../auth/promotion/input.ts'
import { compilePromotion } from '../../auth/promotion/rules.ts'

/** Any UTF-16, halves of characters included, and above all what would do harm. */
const unicode = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('a', '.', '/', '\0', '\n', ':', '%', '*', '#', '@', '\u00e9', 'e\u0301', '$', '{', '}'),
    maxLength: 12,
  }),
)
const claim = fc.oneof({ weight: 5, arbitrary: unicode }, fc.anything({ maxDepth: 2 }))

const read: string[] = []
const rule: PromotionRuleInput = {
  to: { username: 'u-${claim.x}', password: { kind: 'file', path: '/secrets/${claim.x}' } },
}
const promotion = compilePromotion([rule], {
  credentials: new Map(),
  vhosts: { vhost: '/' },
  sources: {
    readFile: async (path) => {
      read.push(path)
      return Buffer.from(`secret of ${path}`)
    },
    env: () => undefined,
  },
})

const facts = (x: unknown) => ({
  identity: { issuer: 'i', subject: 's', authenticator: 'a', roles: [], claims: { x }, fromCookie: false },
  address: '203.0.113.7',
  session: 's-1',
})

/** What a broker reads out of a PLAIN response. [RFC 4616 §2] */
function plainParts(response: Buffer): readonly string[] {
  return response.toString('latin1').split('\0')
}

describe('promotion of any claim', () => {
  it('refuses it, or shows exactly the user and the password', async () => {
    await fc.assert(
      fc.asyncProperty(claim, async (x) => {
        read.length = 0
        let promoted: Awaited<ReturnType<typeof promotion.promote>>
        try {
          promoted = await promotion.promote(facts(x))
        } catch (error) {
          assert.ok(error instanceof PromotionRefused, String(error))
          assert.equal(error.code, 'bad-value')
          assert.deepEqual(read, [], 'no file is read for a value that does not fit')
          return
        }
        const text = String(x)
        assert.match(text, /^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,127}$/)
        assert.deepEqual(read, [`/secrets/${text}`])
        assert.deepEqual(plainParts(promoted.credential.response('PLAIN')), [
          '',
          `u-${text}`,
          `secret of /secrets/${text}`,
        ])
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps its length fields true in AMQPLAIN', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,127}$/), async (x) => {
        const { credential } = await promotion.promote(facts(x))
        const response = credential.response('AMQPLAIN')
        const fields: string[] = []
        for (let at = 0; at < response.length; ) {
          const keyEnd = at + 1 + response.readUInt8(at)
          assert.equal(response.toString('latin1', keyEnd, keyEnd + 1), 'S')
          const end = keyEnd + 5 + response.readUInt32BE(keyEnd + 1)
          fields.push(`${response.toString('utf8', at + 1, keyEnd)}=${response.toString('utf8', keyEnd + 5, end)}`)
          at = end
        }
        assert.deepEqual(fields, [`LOGIN=u-${x}`, `PASSWORD=secret of /secrets/${x}`])
      }),
      { numRuns: 200 },
    )
  })
})

describe('a word of any text', () => {
  const wordOf = (value: string): string | undefined => {
    try {
      return word(value, 'subject')
    } catch (error) {
      assert.ok(error instanceof PromotionRefused)
      return undefined
    }
  }

  it('holds no separator and no wildcard, and gives the text back', () => {
    fc.assert(
      fc.property(unicode, (value) => {
        const encoded = wordOf(value)
        if (encoded === undefined) return
        assert.match(encoded, /^(?:[A-Za-z0-9_-]|%[0-9A-F]{2})+$/)
        assert.equal(decodeURIComponent(encoded), value)
      }),
      { numRuns: 2000 },
    )
  })

  it('is never the word of another text', () => {
    fc.assert(
      fc.property(unicode, unicode, (one, other) => {
        const encoded = wordOf(one)
        if (encoded !== undefined && one !== other) assert.notEqual(encoded, wordOf(other))
      }),
    )
  })
})
