/** Encrypted secrets are found in a text and exchanged there, and nothing else of the text changes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type EncryptedValue, encryptedValues, withValues } from '../../../../../src/config/files/encrypted-values.ts'
import { ConfigError } from '../../../../../src/config/reading/problems.ts'

const TEXT = `# a comment, "encrypted: no"
brokers:
  main:
    credentials:
      smithj:   { username: smithj, password: { encrypted: 'one' } }  # after
      "a.b": { username: b, password: {encrypted: two, } }
      token: { oauth2: { clientSecret: { encrypted: "three" } } }
      other: { username: encrypted, password: encrypted }
authenticators:
  proxy:
    secret:
      encrypted: >-
        four
  sso: { claims: { encrypted: not-a-secret } }

services:
  - promote:
      - to: smithj
      - to: { username: u, password: { encrypted: five } }   # keep me
`

const found = encryptedValues(TEXT, 'g.yaml')

describe('encryptedValues', () => {
  it('finds every secret with its place and line, and nothing that only looks like one', () => {
    assert.deepEqual(
      found.map(({ place, value, line }) => [place, value, line]),
      [
        ['brokers.main.credentials.smithj.password', 'one', 5],
        ['brokers.main.credentials["a.b"].password', 'two', 6],
        ['brokers.main.credentials.token.oauth2.clientSecret', 'three', 7],
        ['authenticators.proxy.secret', 'four', 12],
        ['services[0].promote[1].to.password', 'five', 19],
      ],
    )
  })

  it('refuses text that is no YAML, with its place', () => {
    assert.throws(
      () => encryptedValues('a: [', 'g.yaml'),
      (error) => error instanceof ConfigError && /^g\.yaml:1/.test(error.message),
    )
  })
})

describe('withValues', () => {
  it('exchanges values and leaves every other byte alone', () => {
    const changes = new Map<EncryptedValue, string>(
      found.filter(({ value }) => value !== 'two').map((entry) => [entry, `new-${entry.value}`]),
    )
    const changed = withValues(TEXT, changes)
    assert.equal(
      changed,
      TEXT.replace("'one'", '"new-one"')
        .replace('"three"', '"new-three"')
        .replace('>-\n        four\n', '"new-four"\n')
        .replace('encrypted: five', 'encrypted: "new-five"'),
    )
    assert.deepEqual(
      encryptedValues(changed, 'g.yaml').map(({ value }) => value),
      ['new-one', 'two', 'new-three', 'new-four', 'new-five'],
    )
  })

  it('changes nothing for no changes', () => {
    assert.equal(withValues(TEXT, new Map()), TEXT)
  })
})
