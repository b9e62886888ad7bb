/** Values in the store: opened by whoever has one of the keys and the client's half, at the place they were sealed for. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { generateKey, parseKeys } from '../../../../auth/promotion/secrets/encrypted.ts'
import { Sealer } from '../../../../src/state/sealing.ts'

const lines = ['old', 'new'].map((id) => generateKey(id).reveal().toString())
const [old = '', fresh = ''] = lines
const sealer = (...keys: readonly string[]) => new Sealer(parseKeys(keys.join('\n')))
const PLACE = { kind: 'ticket', name: 'gatehouse:{t}:1', secret: randomBytes(32) }

describe('a sealed value', () => {
  it('is opened at its place, and shows nothing', () => {
    const sealed = sealer(old).seal('CANARY of joe', PLACE)
    assert.match(sealed, /^s1\.old\.[A-Za-z0-9_-]+$/)
    assert.ok(!Buffer.from(sealed.split('.')[2] ?? '', 'base64url').includes('CANARY'))
    assert.equal(sealer(old).open(sealed, PLACE), 'CANARY of joe')
    assert.notEqual(sealer(old).seal('CANARY of joe', PLACE), sealed)
  })

  it('is opened nowhere else, by nobody else, and not where a bit was changed', () => {
    const sealed = sealer(old).seal('joe', PLACE)
    const others = [
      { ...PLACE, kind: 'login' },
      { ...PLACE, name: 'gatehouse:{t}:2' },
      { ...PLACE, secret: randomBytes(32) },
      { ...PLACE, secret: undefined },
    ]
    for (const place of others) assert.equal(sealer(old).open(sealed, place), undefined)
    const [version, id, text = ''] = sealed.split('.')
    const bytes = Buffer.from(text, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(sealer(old).open(`${version}.${id}.${changed.toString('base64url')}`, PLACE), undefined)
    }
    for (const other of [`${version}.new.${text}`, `s2.${id}.${text}`, `${sealed}.`, `${sealed}=`, 's1', '', 7, null]) {
      assert.equal(sealer(old, fresh).open(other, PLACE), undefined)
    }
    assert.equal(sealer(generateKey('old').reveal().toString()).open(sealed, PLACE), undefined)
  })

  it('outlives a change of keys: the first seals, all open', () => {
    const before = sealer(old)
    const sealed = before.seal('joe', PLACE)
    const during = sealer(fresh, old)
    assert.equal(during.open(sealed, PLACE), 'joe')
    const next = during.seal('ann', PLACE)
    assert.equal(sealer(fresh).open(next, PLACE), 'ann')
    assert.equal(sealer(fresh).open(sealed, PLACE), undefined)
    assert.equal(before.open(next, PLACE), undefined)
  })

  it('has names that say nothing without the key, in which no part runs into the next', () => {
    assert.equal(sealer(old).nameOf('a', 'b'), sealer(old).nameOf('a', 'b'))
    assert.notEqual(sealer(old).nameOf('a', 'b'), sealer(fresh).nameOf('a', 'b'))
    assert.notEqual(sealer(old).nameOf('ab', ''), sealer(old).nameOf('a', 'b'))
  })
})
