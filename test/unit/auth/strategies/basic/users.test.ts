/** The users of a `basic` authenticator: mistakes all at once, and who changed between two readings. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidConfiguration } from '../../../../../auth/errors.ts'
import { hashPassword } from '../../../../../auth/strategies/basic/password.ts'
import { changedUsers, compileUsers, type UsersInput } from '../../../../../auth/strategies/basic/users.ts'

const CHEAP = { ln: 10, r: 8, p: 1 }
const [password, other] = await Promise.all([hashPassword('welcome', CHEAP), hashPassword('welcome', CHEAP)])

describe('users', () => {
  it('are found by name, with roles once each', () => {
    const users = compileUsers({
      'joe.smith': { password, roles: ['trader', 'ops', 'trader'], claims: { dept: 'fx' } },
    })
    const joe = users.get('joe.smith')
    assert.deepEqual(joe?.roles, ['ops', 'trader'])
    assert.deepEqual(joe.claims, { dept: 'fx' })
  })

  it('may be called like something every object has', () => {
    const text = `{"__proto__": {"password": "${password}"}, "toString": {"password": "${password}"}}`
    const users = compileUsers(JSON.parse(text) as UsersInput)
    assert.deepEqual([...users.keys()], ['__proto__', 'toString'])
    assert.equal(compileUsers({}).get('toString'), undefined)
  })

  it('tell every mistake with its place', () => {
    const input = {
      'a:b': { password },
      'nul\0': { password },
      '': { password },
      ['x'.repeat(256)]: { password },
      plain: { password: 'welcome' },
      'caf\u00e9': { password },
      'cafe\u0301': { password },
    }
    assert.throws(
      () => compileUsers(input),
      (error) => {
        assert.ok(error instanceof InvalidConfiguration)
        assert.deepEqual(
          error.problems.map(({ path }) => path),
          [['a:b'], ['nul\0'], [''], ['x'.repeat(256)], ['plain', 'password'], ['cafe\u0301']],
        )
        assert.doesNotMatch(error.message, /welcome/)
        return true
      },
    )
  })

  it('are changed by hash, roles or claims, gone when they are gone, and nothing else', () => {
    const before = compileUsers({
      same: { password, roles: ['b', 'a'], claims: { x: [1, { y: 2 }] } },
      gone: { password },
      hash: { password },
      roles: { password, roles: ['a'] },
      claims: { password, claims: { x: 1 } },
    })
    const after = compileUsers({
      same: { password, roles: ['a', 'b'], claims: { x: [1, { y: 2 }] } },
      hash: { password: other },
      roles: { password, roles: ['a', 'b'] },
      claims: { password, claims: { x: '1' } },
      added: { password },
    })
    assert.deepEqual([...changedUsers(before, after)].sort(), ['claims', 'gone', 'hash', 'roles'])
    assert.deepEqual(changedUsers(after, after), [])
  })
})
