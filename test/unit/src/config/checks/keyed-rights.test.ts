/** Rights on some keys of an exchange that the same people may declare again: what is told, and what is not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { glob } from '../../../../../auth/glob.ts'
import { patternsMeet } from '../../../../../src/config/checks/meeting-patterns.ts'
import { parseConfig } from '../../../../../src/config/reading/load.ts'
import type { ConfigInput } from '../../../../../src/config/schema/schema.ts'
import { minimalConfig } from '../../../../support/config-files.ts'

type Service = ConfigInput['services'][number]

/** The warnings about permissions. */
function warned(permissions: NonNullable<Service['permissions']>): string[] {
  const config = minimalConfig()
  const services = config.services.map((service) => ({ ...service, permissions }))
  const { warnings } = parseConfig({ ...config, services })
  return warnings.filter(({ path }) => path.includes('permissions')).map(({ path, message }) => `${path}: ${message}`)
}

const some = { exchange: 'orders', routingKey: 'orders.${subject}.#' }

describe('rights on some keys of an exchange that the same people may declare', () => {
  for (const list of ['read', 'write'] as const) {
    it(`are told under ${list}, where they meet`, () => {
      const [text = '', ...others] = warned([{ configure: [{ exchange: 'or*' }], [list]: [some] }])
      assert.deepEqual(others, [])
      assert.match(text, /^services\.?\[0\]\.permissions\[0\]\.configure\[0\]\.exchange: /)
      assert.ok(text.includes(`\`${list}\` of "orders" for some keys (permissions[0]) reaches all keys`), text)
    })
  }

  it('are told across entries whose people are the same, or among everyone', () => {
    const role = { role: 'trader' }
    const configure = [{ exchange: 'orders' }]
    assert.equal(warned([{ for: role, configure }, { read: [some] }]).length, 1)
    assert.equal(warned([{ configure }, { for: role, read: [some] }]).length, 1)
    assert.equal(
      warned([
        { for: role, configure },
        { for: role, read: [some] },
      ]).length,
      1,
    )
    assert.deepEqual(
      warned([
        { for: { role: 'operator' }, configure },
        { for: role, read: [some] },
      ]),
      [],
    )
  })

  it('are not told where the exchange is another, or every key is theirs anyway', () => {
    assert.deepEqual(warned([{ configure: [{ exchange: 'ui.${subject}.*' }], read: [some] }]), [])
    assert.deepEqual(warned([{ configure: [{ queue: '*' }], read: [some] }]), [])
    assert.deepEqual(warned([{ configure: [{ exchange: 'orders' }], read: [some, { exchange: 'orders' }] }]), [])
    assert.deepEqual(
      warned([
        { for: { role: 'operator' }, configure: [{ exchange: '*' }], read: [{ exchange: '*' }] },
        { read: [some] },
      ]),
      [],
    )
  })
})

describe('patternsMeet', () => {
  it('knows that a variable is one word', () => {
    for (const [one, other, meet] of [
      ['ui.${subject}.*', 'ui.joe.1', true],
      ['ui.${subject}', 'ui.a.b', false],
      ['${subject}.x', '${claim.a}.x', true],
      ['ui.${subject}.in', 'ui.*', true],
      ['${subject}', '*.a', false],
      ['a${subject}', 'b*', false],
      ['${subject}', '?', true],
      ['${subject}', '.', false],
      ['', '*', true],
      ['', 'a', false],
    ] as const) {
      assert.equal(patternsMeet(one, other), meet, `${one} ${other}`)
      assert.equal(patternsMeet(other, one), meet, `${other} ${one}`)
    }
  })

  it('meets wherever one name fits both', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 6 })
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 6 })
    fc.assert(
      fc.property(pattern, pattern, name, (one, other, text) => {
        assert.ok(!glob(one)(text) || !glob(other)(text) || patternsMeet(one, other))
        assert.equal(patternsMeet(one, text), glob(one)(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('takes no time for two that are all wildcards', () => {
    assert.equal(patternsMeet(`${'*a'.repeat(120)}b`, `${'*a'.repeat(120)}c`), false)
  })
})
