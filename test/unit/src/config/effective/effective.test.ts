import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashPassword } from '../../../../../auth/index.ts'
import { changesBetween } from '../../../../../src/config/effective/changes.ts'
import { hashOf } from '../../../../../src/config/effective/hash.ts'
import { redacted } from '../../../../../src/config/effective/redacted.ts'
import { parseConfig } from '../../../../../src/config/reading/load.ts'
import type { Config, ConfigInput } from '../../../../../src/config/schema/schema.ts'

const HASH = await hashPassword('CANARY-password')

const INPUT = {
  listen: { port: 8080 },
  brokers: {
    main: {
      urls: ['amqp://127.0.0.1:5672'],
      credentials: {
        smithj: { username: 'smithj', password: 'CANARY-text' },
        webuser: { username: 'webuser', password: { env: 'WEBUSER_PASSWORD' } },
        own: { module: '/etc/gatehouse/own.mjs', options: { token: 'CANARY-option' } },
      },
    },
  },
  authenticators: { staff: { type: 'basic', realm: 'Staff', users: { joe: { password: HASH } } } },
  services: [
    { path: '/amqp', broker: 'main', vhost: '/', authenticate: ['staff'], origins: [], promote: [{ to: 'smithj' }] },
  ],
} as const satisfies ConfigInput

function configOf(change: (input: ConfigInput) => ConfigInput = (input) => input): Config {
  return parseConfig(change(structuredClone(INPUT) as unknown as ConfigInput), { files: false }).config
}

describe('the effective configuration', () => {
  const config = configOf()

  it('shows no secret, no password hash and no options, and where secrets are', () => {
    const text = JSON.stringify(redacted(config))
    assert.doesNotMatch(text, /CANARY|scrypt/)
    assert.match(text, /"options":"\[redacted\]"/)
    assert.match(text, /WEBUSER_PASSWORD/)
    assert.match(text, /"handshake":\d+/, 'defaults are filled in')
  })

  it('has a hash that secrets, listen and the order of keys do not change, and everything else does', () => {
    const same = configOf((input) => {
      const { main } = input.brokers
      return {
        drain: '10s',
        ...input,
        listen: { port: 9090 },
        brokers: {
          main: { ...main, credentials: { ...main?.credentials, smithj: { username: 'smithj', password: 'other' } } },
        },
      } as ConfigInput
    })
    assert.equal(hashOf(same), hashOf(config))
    assert.notEqual(hashOf(configOf((input) => ({ ...input, drain: '11s' }))), hashOf(config))
  })

  it('tells where two of them differ, a secret included', () => {
    const other = configOf((input) => {
      const { main } = input.brokers
      const [service] = input.services
      return {
        ...input,
        listen: [{ port: 8080 }, { port: 8081 }],
        drain: '11s',
        brokers: {
          main: { ...main, credentials: { ...main?.credentials, smithj: { username: 'smithj', password: 'other' } } },
        },
        services: [
          { ...service, origins: ['https://a.example.com'] },
          { ...service, path: '/other' },
        ],
      } as ConfigInput
    })
    assert.deepEqual(changesBetween(config, other).sort(), [
      'brokers.main.credentials',
      'drain',
      'listen[1]',
      'services[0].origins',
      'services[1]',
    ])
    assert.deepEqual(changesBetween(config, configOf()), [])
  })
})
