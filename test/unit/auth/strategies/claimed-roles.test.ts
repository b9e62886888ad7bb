/** Roles out of claims: one text is one role, unless its specification or the operator says otherwise. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type RolesSource, readRoles } from '../../../../auth/strategies/claimed-roles.ts'

const read = (claims: Readonly<Record<string, unknown>>, source: RolesSource | string) =>
  readRoles(claims, typeof source === 'string' ? { path: source } : source)

describe('readRoles', () => {
  it('G60 takes one text for one role, whatever is in it', () => {
    for (const group of [
      'Contractors trader onboarding',
      'Trading Floor',
      'a,b',
      'a;b',
      'a|b',
      'CN=clerks,OU=admins',
    ]) {
      assert.deepEqual(read({ group }, 'group'), [group])
      assert.deepEqual(read({ realm: { group: [group] } }, 'realm.group'), [group])
    }
    assert.deepEqual(read({ group: '' }, 'group'), [])
  })

  it('splits scope and scp at blanks, wherever they lie', () => {
    assert.deepEqual(read({ scope: 'read  write read' }, 'scope'), ['read', 'write'])
    assert.deepEqual(read({ scp: 'read write' }, 'scp'), ['read', 'write'])
    assert.deepEqual(read({ x: { scope: 'read write' } }, 'x.scope'), ['read', 'write'])
    assert.deepEqual(read({ 'com.x': { scp: 'read write' } }, '"com.x".scp'), ['read', 'write'])
    assert.deepEqual(read({ scopes: 'read write' }, 'scopes'), ['read write'])
  })

  it('splits at the separator that is named instead', () => {
    assert.deepEqual(read({ group: 'a, b ,,c d' }, { path: 'group', separator: ',' }), ['a', 'b', 'c d'])
    assert.deepEqual(read({ scope: 'a b|c' }, { path: 'scope', separator: '|' }), ['a b', 'c'])
    assert.deepEqual(read({ group: 'a b' }, { path: 'group', separator: ' ' }), ['a', 'b'])
  })

  it('G60 never splits an entry of a list', () => {
    assert.deepEqual(read({ scope: ['a b'] }, 'scope'), ['a b'])
    assert.deepEqual(read({ group: ['a,b'] }, { path: 'group', separator: ',' }), ['a,b'])
  })

  it('takes the keys of an object where that is asked for', () => {
    const path = 'urn:zitadel:iam:org:project:roles'
    const roles = { trader: { '123': 'example.com' }, ops: true }
    assert.deepEqual(read({ [path]: roles }, { path, from: 'keys' }), ['trader', 'ops'])
    assert.throws(() => read({ [path]: roles }, path), /rolesFrom: keys/)
    for (const given of [false, null, 0, '', 'no', [], [1]]) {
      assert.throws(() => read({ [path]: { admin: given } }, { path, from: 'keys' }), /neither an object nor true/)
    }
    for (const value of ['admin', ['admin'], 1, true]) {
      assert.throws(() => read({ [path]: value }, { path, from: 'keys' }), /not an object/)
    }
    assert.deepEqual(read({}, { path, from: 'keys' }), [])
  })

  it('refuses what is neither a list of texts nor a text', () => {
    for (const value of [1, true, {}, [1], [null], [['a']], [{ a: 1 }], [''], [' a'], ['a\0']]) {
      assert.throws(() => read({ group: value }, 'group'), { name: 'AuthenticationRefused' })
    }
    assert.throws(() => read({ group: Array.from({ length: 501 }, String) }, 'group'), /more than 500/)
    assert.throws(() => read({ scope: Array.from({ length: 501 }, String).join(' ') }, 'scope'), /more than 500/)
  })
})
