/** The file in which `gatehouse login` keeps logins. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { KeptLogins } from '../../../../src/cli/admin/kept-logins.ts'

function state(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-kept-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { env: { XDG_STATE_HOME: folder }, file: join(folder, 'gatehouse', 'logins.json') }
}

const one = new URL('http://127.0.0.1:8081/')
const other = new URL('http://127.0.0.1:8082')

describe('kept logins', () => {
  it('are given to the gateway that they are for, and to no other', (t) => {
    const { env, file } = state(t)
    assert.equal(new KeptLogins(env).of(one), undefined)
    new KeptLogins(env).keep(one, 'a=1')
    new KeptLogins(env).keep(new URL('https://127.0.0.1:8081/gate/'), 'b=2')
    const logins = new KeptLogins(env)
    assert.equal(logins.of(new URL('http://127.0.0.1:8081')), 'a=1')
    assert.equal(logins.of(new URL('https://127.0.0.1:8081/gate')), 'b=2')
    for (const url of [other, new URL('https://127.0.0.1:8081/')]) assert.equal(logins.of(url), undefined)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    logins.forget(one)
    logins.forget(other)
    assert.equal(logins.of(one), undefined)
  })

  it('are below HOME where nothing else is said, and nowhere without it', (t) => {
    const { env } = state(t)
    const home = { HOME: env.XDG_STATE_HOME }
    new KeptLogins(home).keep(one, 'a=1')
    assert.equal(new KeptLogins({ XDG_STATE_HOME: join(env.XDG_STATE_HOME, '.local', 'state') }).of(one), 'a=1')
    assert.equal(new KeptLogins({}).of(one), undefined)
    assert.throws(() => new KeptLogins({}).keep(one, 'a=1'), /set HOME/)
  })

  it('are not taken from a file that others may read or write, or that somebody else wrote', (t) => {
    const { env, file } = state(t)
    new KeptLogins(env).keep(one, 'a=1')
    for (const [mode, expected] of [
      [0o644, /everybody may read/],
      [0o602, /everybody may write/],
    ] as const) {
      chmodSync(file, mode)
      assert.throws(() => new KeptLogins(env).of(one), expected)
    }
    chmodSync(file, 0o600)
    for (const text of ['', '{}', '{"version":1,"logins":{"x":"a=1\\r\\nX: y"}}']) {
      writeFileSync(file, text)
      assert.throws(() => new KeptLogins(env).of(one), /expected logins as gatehouse writes them/)
    }
  })
})
