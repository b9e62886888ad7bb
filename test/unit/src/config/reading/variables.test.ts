/** What `${…}` becomes: environment variables are filled in as data, variables of templates wait, the rest is a mistake. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../../../../src/config/reading/load.ts'
import { ConfigError } from '../../../../../src/config/reading/problems.ts'
import { fillIn } from '../../../../../src/config/reading/variables.ts'
import { minimalConfig } from '../../../../support/config-files.ts'

const env = { HOST: 'rabbit', EMPTY: '', TRICKY: '${subject} $${subject}' }

describe('fillIn', () => {
  it('fills in environment variables anywhere in a text', () => {
    assert.equal(fillIn('amqp://${env:HOST}:${env:HOST}', env).text, 'amqp://rabbit:rabbit')
    assert.equal(fillIn('${env:EMPTY}', env).text, '')
  })

  it('leaves a text without variables alone', () => {
    for (const text of ['', 'plain', '$', '$$', '{}', '$subject', '100% {x}']) assert.equal(fillIn(text, {}).text, text)
  })

  it('takes $${ for ${', () => {
    assert.equal(fillIn('a $${subject} b', env).text, 'a ${subject} b')
    assert.equal(fillIn('$${env:HOST}', env).text, '${env:HOST}')
  })

  it('does not look into what it filled in', () => {
    assert.equal(fillIn('${env:TRICKY}', env).text, '${subject} $${subject}')
    assert.equal(fillIn('${env:TRICKY}', env, 'stamp').text, '$${subject} $$${subject}')
  })

  it('keeps the variables of templates, and their escapes, for later', () => {
    const { text, problems } = fillIn('${env:HOST}.${subject}.${claim.dept}.$${x}', env, 'permission')
    assert.equal(text, 'rabbit.${subject}.${claim.dept}.$${x}')
    assert.deepEqual(problems, [])
  })

  for (const [text, kind, problem] of [
    ['${env:MISSING}', undefined, 'the environment variable MISSING is not set'],
    ['${subject}', undefined, 'only ${env:NAME} is filled in here'],
    ['${env:a b}', undefined, 'only ${env:NAME} is filled in here'],
    ['${', 'stamp', 'expected } after ${'],
    ['${subject', undefined, 'expected } after ${'],
    ['${user}', 'username', 'unknown variable "user"'],
    ['${claim.}', 'stamp', 'unknown variable "claim."'],
    ['${toString}', 'stamp', 'unknown variable "toString"'],
    ['${Subject}', 'stamp', 'did you mean "subject"?'],
  ] as const) {
    it(`refuses ${text} in ${kind ?? 'plain text'}`, () => {
      const { problems } = fillIn(text, env, kind)
      assert.equal(problems.length, 1)
      assert.ok(problems[0]?.includes(problem), problems[0])
    })
  }
})

describe('parseConfig', () => {
  it('takes a number or a word from a variable where either may stand', () => {
    const input = { ...minimalConfig(), workers: '${env:WORKERS}' } as never
    const workersOf = (WORKERS: string) => parseConfig(input, { files: false, env: { WORKERS } }).config.workers
    assert.deepEqual(['4', 'auto'].map(workersOf), [4, 'auto'])
    assert.throws(() => workersOf('many'), /workers: expected a number of processes/)
  })

  it('takes text from the environment for the number or the boolean that is expected', () => {
    const input = { ...minimalConfig(), listen: { port: '${env:PORT}', behindTls: '${env:TLS}' } } as never
    const { config } = parseConfig(input, { env: { PORT: '8443', TLS: 'true' }, files: false })
    assert.deepEqual(config.listen, [{ host: '127.0.0.1', port: 8443, behindTls: true, proxyProtocol: false }])
  })

  it('does not take text that is written for a number', () => {
    const input = { ...minimalConfig(), listen: { port: '8443' } } as never
    assert.throws(
      () => parseConfig(input, { files: false }),
      /listen\.port: expected a whole number from 0 to 65535, got text/,
    )
  })

  it('does not take a filled-in secret for a variable', () => {
    const input = minimalConfig({ username: 'u', password: '${env:PASSWORD}' })
    const { config, warnings } = parseConfig(input, { env: { PASSWORD: 'a${subject}$${b' }, files: false })
    assert.deepEqual(config.brokers['main']?.credentials['webuser'], {
      kind: 'password',
      username: 'u',
      password: { kind: 'text', text: 'a${subject}$${b' },
      allowLoopbackUser: false,
    })
    assert.deepEqual(warnings, [])
  })

  it('does not fill in keys', () => {
    const input = { ...minimalConfig(), authenticators: { '${env:NAME}': { type: 'ticket' } } } as never
    assert.throws(() => parseConfig(input, { env: { NAME: 'x' }, files: false }), ConfigError)
  })
})
