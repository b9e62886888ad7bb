/** Replies of gateways, in a store that is a map. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseKeys } from '../../../../../auth/promotion/secrets/encrypted.ts'
import { Replies } from '../../../../../src/state/news/replies.ts'
import { Sealer } from '../../../../../src/state/sealing.ts'
import { STATE_KEY } from '../../../../support/state/shared-rig.ts'

function scene() {
  const hashes = new Map<string, Map<string, string>>()
  const store = {
    async eval(_op: string, _script: unknown, [key = '']: readonly string[], args: readonly (string | number)[]) {
      const [field, value] = args.map(String)
      const hash = hashes.get(key) ?? new Map<string, string>()
      hashes.set(key, hash.set(field ?? '', value ?? ''))
      return 1
    },
    async run(_op: string, _command: string, key: unknown, ...fields: readonly unknown[]) {
      return fields.map((field) => hashes.get(String(key))?.get(String(field)) ?? null)
    },
  }
  const sealer = new Sealer(parseKeys(STATE_KEY))
  const of = (self: string) => new Replies({ store, sealer, keys: (name) => name, self })
  return { hashes, of }
}

const expected = [
  { id: 'a', name: 'first' },
  { id: 'b', name: 'second' },
]

describe('replies', () => {
  it('are those of whoever is expected, and name who is late', async () => {
    const { of } = scene()
    await of('a').write('asker:1', { total: 1 })
    await of('stranger').write('asker:1', { total: 99 })
    const { answers, notReached } = await of('asker').collect('asker:1', expected, 100)
    assert.deepEqual(answers, [{ replica: 'first', answer: { total: 1 } }])
    assert.deepEqual(notReached, ['second'])
  })

  it('are packed where they are long, and not written where they are too long', async () => {
    const { hashes, of } = scene()
    const rows = Array.from({ length: 5_000 }, (_, index) => ({ id: index, subject: 'joe.smith', service: '/amqp' }))
    await of('a').write('asker:1', rows)
    assert.ok((hashes.get('answer:asker:1')?.get('a') ?? '').length < JSON.stringify(rows).length / 3)
    await of('b').write('asker:1', 'x'.repeat(20 * 1024 * 1024))
    const { answers, notReached } = await of('asker').collect('asker:1', expected, 300)
    assert.deepEqual(answers, [{ replica: 'first', answer: rows }])
    assert.deepEqual(notReached, ['second'])
  })

  it('are none where they stand in another’s place', async () => {
    const { hashes, of } = scene()
    await of('a').write('asker:1', 'mine')
    await of('b').write('asker:2', 'another')
    const stolen = hashes.get('answer:asker:1')?.get('a') ?? ''
    hashes.get('answer:asker:1')?.set('b', stolen)
    hashes.get('answer:asker:2')?.set('a', stolen).set('b', 's1.one.AAAA')
    const first = await of('asker').collect('asker:1', expected, 100)
    assert.deepEqual([first.answers.length, first.notReached], [1, ['second']])
    assert.deepEqual((await of('asker').collect('asker:2', expected, 100)).answers, [])
  })
})
