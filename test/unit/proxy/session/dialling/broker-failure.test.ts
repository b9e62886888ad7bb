/** What a broker's refusals mean: RabbitMQ's own texts, which no test broker shows all of. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { commonFailure, failureOfSocket, failureSaid } from '../../../../../proxy/session/dialling/broker-failure.ts'

describe('what a broker said in the handshake', () => {
  for (const [code, text, failure] of [
    [
      403,
      'ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see …',
      'login-refused',
    ],
    [403, "ACCESS_REFUSED - PLAIN login refused: user 'guest' can only connect via localhost", 'loopback-only'],
    [530, 'NOT_ALLOWED - vhost absent not found', 'vhost-unknown'],
    [530, "NOT_ALLOWED - access to vhost 'a' refused for user 'webuser'", 'vhost-refused'],
    [
      530,
      "NOT_ALLOWED - access to vhost 'a' refused for user 'webuser': connection limit (10) is reached",
      'vhost-limit',
    ],
    [530, "NOT_ALLOWED - connection refused for user 'webuser': user connection limit (1) is reached", 'user-limit'],
    [530, 'NOT_ALLOWED - connection refused: node connection limit (1) is reached', 'node-limit'],
    [530, 'NOT_ALLOWED - what nobody has heard of', 'other'],
    [541, 'INTERNAL_ERROR - vhost absent not found', 'other'],
  ] as const) {
    it(`${code} ${text.slice(0, 70)}: ${failure}`, () => assert.equal(failureSaid(code, text), failure))
  }
})

describe('how a socket ended in the handshake', () => {
  for (const [code, failure] of [
    [undefined, 'hung-up'],
    ['ECONNRESET', 'hung-up'],
    ['EPROTO', 'tls'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'tls'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
  ] as const) {
    it(`${code}: ${failure}`, () => {
      const error = code === undefined ? undefined : Object.assign(new Error('of the socket'), { code })
      assert.equal(failureOfSocket(error), failure)
    })
  }

  it('is common to several URLs, or they were not to be reached in several ways', () => {
    assert.equal(commonFailure(['tls', 'tls']), 'tls')
    assert.equal(commonFailure(['tls', 'timeout']), 'unreachable')
    assert.equal(commonFailure([]), 'unreachable')
  })
})
