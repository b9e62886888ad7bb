/** What permissions come to as RabbitMQ's: three expressions over the bytes of names. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { brokerRights } from '../../../../auth/policy/broker-rights.ts'
import type { GrantInput, PermissionInput } from '../../../../auth/policy/input.ts'
import { nameGlob } from '../../../../auth/policy/name-glob.ts'

type Lists = Pick<PermissionInput, 'configure' | 'write' | 'read'>

const entry = (lists: Partial<Lists>): Lists => ({ configure: [], write: [], read: [], ...lists })

/** As RabbitMQ does it: bytes, searched. */
function permits(expression: string, name: string): boolean {
  const bytes = (text: string) => Buffer.from(text).toString('latin1')
  return new RegExp(expression === '' ? '^$' : bytes(expression), 's').test(bytes(name))
}

describe('rights at the broker', () => {
  it('are the names of all entries, anchored, each once', () => {
    const rights = brokerRights(
      [
        entry({ configure: [{ queue: 'ui.*' }], read: [{ exchange: 'quotes', routingKey: 'eu.#' }] }),
        entry({ configure: [{ queue: 'ui.*' }], write: [{ exchange: 'orders' }] }),
      ],
      'webuser',
    )
    assert.deepEqual(rights, { configure: '^(?:ui\\..*)$', write: '^(?:orders)$', read: '^(?:quotes)$' })
  })

  it('are empty texts where nothing is granted', () => {
    assert.deepEqual(brokerRights([], 'webuser'), { configure: '', write: '', read: '' })
  })

  it('have the default exchange where a queue may be written, or a message be answered', () => {
    for (const list of ['write', 'read'] as const) {
      const { write } = brokerRights([entry({ [list]: [{ queue: 'jobs' }] })], 'webuser')
      assert.ok(permits(write, 'amq.default'), list)
    }
    assert.equal(brokerRights([entry({ read: [{ exchange: 'quotes' }] })], 'webuser').write, '')
  })

  it('have the names that the broker gives, where it may be asked for one', () => {
    const { configure, write, read } = brokerRights([entry({ configure: [{ queue: '' }] })], 'webuser')
    for (const expression of [configure, write, read]) assert.ok(permits(expression, 'amq.gen-JzTY20BRgKO-HjmUJj0wLg'))
    assert.ok(permits(write, 'amq.default'))
  })

  it('have the broker user where `${user}` stands, and any word for what differs from person to person', () => {
    const grants: GrantInput[] = [{ queue: '${user}.${subject}.x' }]
    const { read } = brokerRights([entry({ read: grants })], 'web.user')
    assert.ok(permits(read, 'web%2Euser.joe%2Esmith.x'))
    assert.ok(!permits(read, 'other.joe.x'))
    assert.ok(!permits(read, 'web%2Euser.joe.smith.x'))
    const anybody = brokerRights([entry({ read: grants })], undefined).read
    assert.ok(permits(anybody, 'other.joe.x'))
  })

  it('are everything where the expression would be too long to compile', () => {
    const read = Array.from({ length: 4000 }, (_, index) => ({ queue: `queue-${index}` }))
    assert.equal(brokerRights([entry({ read })], 'webuser').read, '.*')
  })

  it('cover every name that the pattern of the gateway matches', () => {
    const letters = fc.constantFrom('a', 'b', '.', '*', '?', '$', '(', '|', '\\', '[', '+', 'é', '€', '😀', '#', '-')
    const pattern = fc.array(letters, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''))
    const name = fc
      .array(fc.constantFrom('a', 'b', '.', '$', '(', '|', '\\', '[', 'é', '€', '😀', '-'), {
        minLength: 1,
        maxLength: 8,
      })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(pattern, name, fc.boolean(), (glob, other, isNear) => {
        // Near: a name that the pattern matches by its own letters.
        const text = isNear ? glob.replaceAll('*', other).replaceAll('?', '😀') : other
        if (glob.includes('${')) return
        const { read } = brokerRights([entry({ read: [{ queue: glob }] })], 'webuser')
        assert.equal(permits(read, text), nameGlob(glob)(text), `${glob} as ${read}, ${text}`)
      }),
      { numRuns: 3000 },
    )
  })
})
