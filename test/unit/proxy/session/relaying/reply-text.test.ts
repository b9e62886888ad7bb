import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HARD_CODES, SOFT_CODES } from '../../../../../proxy/faults.ts'
import { type KnownNames, safeReplyText } from '../../../../../proxy/session/relaying/reply-text.ts'

const KNOWN: KnownNames = {
  brokerUser: 'smithj',
  subject: 'joe.smith',
  vhost: 'prod',
  requestedVhost: '/',
  hosts: ['mq1.internal', '10.1.2.3'],
}

const CODES = new Map(
  Object.entries({ ...SOFT_CODES, ...HARD_CODES }).map(([name, code]) => [
    name.replaceAll('-', '_').toUpperCase(),
    code,
  ]),
)

function safe(text: string, known: Partial<KnownNames> = {}): string {
  const code = CODES.get(/^[A-Z_]+/.exec(text)?.[0] ?? '')
  return safeReplyText(code ?? 0, text, { ...KNOWN, ...known })
}

/** As RabbitMQ 3.10 cuts: 252 bytes and three dots. */
function cut(text: string): string {
  return text.length <= 255 ? text : `${text.slice(0, 252)}...`
}

describe('a text of the broker’s that names nothing but the client’s own words', () => {
  // From the sources of RabbitMQ 3.10.8 and 4.3.5: rabbit_channel, rabbit_amqqueue, rabbit_exchange, rabbit_reader.
  const kept = [
    'NOT_FOUND - no previously declared queue',
    "NOT_FOUND - failed to perform operation on queue 'q' in vhost '/' due to timeout",
    "PRECONDITION_FAILED - unknown exchange type 'x-delayed-message'",
    "COMMAND_INVALID - unknown exchange type 'x-delayed-message'",
    'NOT_IMPLEMENTED - immediate=true',
    'NOT_IMPLEMENTED - active=false',
    'NOT_IMPLEMENTED - requeue=false',
    'NOT_IMPLEMENTED - prefetch_size!=0 (4)',
    "NOT_ALLOWED - attempt to reuse consumer tag 'smithj'",
    'NOT_ALLOWED - reached maximum (5) of consumers per channel',
    'NOT_ALLOWED - number of channels opened (5) has reached the negotiated channel_max (5)',
    'PRECONDITION_FAILED - invalid expiration \'soon\': {leftover_string,"soon"}',
    'PRECONDITION_FAILED - invalid message: {invalid_properties,<<1,2>>}',
    "PRECONDITION_FAILED - invalid arg 'x-max-length' for queue 'q@h' in vhost '/': {value_negative,-1}",
    "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received the value 'a@b' of type 'longstr' but current is none",
    'PRECONDITION_FAILED - unknown delivery tag 7',
    'PRECONDITION_FAILED - fast reply consumer does not exist',
    'PRECONDITION_FAILED - cannot switch from tx to confirm mode',
    "PRECONDITION_FAILED - Topic binding key '#.#.#' uses 3 '#' wildcards, at most 2 are allowed",
    "RESOURCE_ERROR - Stream not found for queue 'q' in vhost '/'",
    'INTERNAL_ERROR - Could not add binding due to timeout',
    'INTERNAL_ERROR',
    'UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead',
    'ACCESS_REFUSED - operation not permitted on the default exchange',
    "ACCESS_REFUSED - queue name 'amq.<<x>>' contains reserved prefix 'amq.*'",
    'CONNECTION_FORCED - Node was put into maintenance mode',
    'CONNECTION_FORCED - Closed via management plugin',
    "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
  ]
  for (const text of kept) it(`stays: ${text}`, () => assert.equal(safe(text), text))

  // Each once more beside what must go: the vhost.
  const own = [
    'inbox.joe@example.com',
    'smithj',
    'prod',
    'mq1.internal',
    'inbox.smithj',
    'rabbit@mq1',
    'a\nb',
    '<<1>>',
    "o'neil",
  ]
  for (const name of own) {
    it(`stays where the client’s own name is ${JSON.stringify(name)}`, () => {
      assert.equal(
        safe(`NOT_FOUND - no queue '${name}' in vhost 'prod'`),
        `NOT_FOUND - no queue '${name}' in vhost '/'`,
      )
    })
  }

  it('stays whatever the names are, where the vhost is the client’s own choice', () => {
    const names = fc.oneof(fc.constantFrom(...own), fc.string({ maxLength: 40 }))
    fc.assert(
      fc.property(names, names, (name, vhost) => {
        fc.pre(!name.includes("user '") && !name.endsWith('...'))
        const text = `NOT_FOUND - no exchange '${name}' in vhost '${vhost}'`
        assert.equal(safe(text, { vhost, requestedVhost: vhost }), text)
      }),
    )
  })
})

describe('a text of the broker’s that names what the client has not said', () => {
  const rewritten: [string, string][] = [
    // 3.10
    [
      "ACCESS_REFUSED - access to queue 'smithj' in vhost 'prod' refused for user 'smithj'",
      "ACCESS_REFUSED - access to queue 'smithj' in vhost '/' refused for user 'joe.smith' at the broker",
    ],
    [
      "ACCESS_REFUSED - access to topic 'a.b' in exchange 'e' in vhost 'prod' refused for user 'smithj'",
      "ACCESS_REFUSED - access to topic 'a.b' in exchange 'e' in vhost '/' refused for user 'joe.smith' at the broker",
    ],
    // The broker reads another name in the token than the gateway does.
    [
      "ACCESS_REFUSED - access to queue 'refused for user 'x'' in vhost 'prod' refused for user 'gatehouse'",
      "ACCESS_REFUSED - access to queue 'refused for user 'x'' in vhost '/' refused for user 'joe.smith' at the broker",
    ],
    [
      "ACCESS_REFUSED - access to queue 'q' in vhost 'prod' refused for user 'o'neil'",
      "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'joe.smith' at the broker",
    ],
    [
      "PRECONDITION_FAILED - user_id property set to 'x' but authenticated user was 'gatehouse'",
      "PRECONDITION_FAILED - user_id property set to 'x' but authenticated user was 'joe.smith'",
    ],
    [
      "NOT_ALLOWED - number of channels opened for user 'gatehouse' has reached the maximum allowed user limit of (5)",
      "NOT_ALLOWED - number of channels opened for user 'joe.smith' has reached the maximum allowed user limit of (5)",
    ],
    [
      "NOT_ALLOWED - connection refused for user 'gatehouse': user connection limit (3) is reached",
      "NOT_ALLOWED - connection refused for user 'joe.smith': user connection limit (3) is reached",
    ],
    ["CONNECTION_FORCED - user 'gatehouse' is deleted", "CONNECTION_FORCED - user 'joe.smith' is deleted"],
    ["CONNECTION_FORCED - user 'o'neil' is deleted", "CONNECTION_FORCED - user 'joe.smith' is deleted"],
    // 4.x
    [
      "ACCESS_REFUSED - configure access to queue 'q' in vhost 'prod' refused for user 'smithj'",
      "ACCESS_REFUSED - configure access to queue 'q' in vhost '/' refused for user 'joe.smith' at the broker",
    ],
    [
      "ACCESS_REFUSED - read access to queue 'q' in vhost 'prod' refused for user 'smithj' by backend rabbit_auth_backend_http: not on Sundays",
      "ACCESS_REFUSED - read access to queue 'q' in vhost '/' refused for user 'joe.smith' at the broker by backend rabbit_auth_backend_http: not on Sundays",
    ],
    [
      "ACCESS_REFUSED - write access to topic 'a' in exchange 'e' in vhost 'prod' refused for user 'smithj', backend rabbit_auth_backend_http returned an error: {failed_connect,[{to_address,{\"auth.internal\",80}}]}",
      "ACCESS_REFUSED - write access to topic 'a' in exchange 'e' in vhost '/' refused for user 'joe.smith' at the broker, backend rabbit_auth_backend_http returned an error",
    ],
    [
      "NOT_ALLOWED - access to vhost 'prod' refused for user 'smithj': connection limit (3) is reached",
      "NOT_ALLOWED - access to vhost '/' refused for user 'joe.smith' at the broker: connection limit (3) is reached",
    ],
    [
      "NOT_ALLOWED - number of channels opened for user 'smithj' has reached the maximum allowed user limit of (2)",
      "NOT_ALLOWED - number of channels opened for user 'joe.smith' has reached the maximum allowed user limit of (2)",
    ],
    [
      "PRECONDITION_FAILED - user_id property set to 'ann' but authenticated user was 'smithj'",
      "PRECONDITION_FAILED - user_id property set to 'ann' but authenticated user was 'joe.smith'",
    ],
    [
      "NOT_FOUND - no binding prod between exchange 'prod' in vhost 'prod' and queue 'prod' in vhost 'prod'",
      "NOT_FOUND - no binding prod between exchange 'prod' in vhost '/' and queue 'prod' in vhost '/'",
    ],
    [
      "PRECONDITION_FAILED - cannot declare queue 'q': queue limit in vhost 'prod' (7) is reached",
      "PRECONDITION_FAILED - cannot declare queue 'q': queue limit in vhost '/' (7) is reached",
    ],
    [
      "RESOURCE_LOCKED - Cannot delete protected queue 'q' in vhost 'prod'. It was declared as a protected queue and can be deleted only by deleting the owner entity: exchange 'e' in vhost 'prod'",
      "RESOURCE_LOCKED - Cannot delete protected queue 'q' in vhost '/'. It was declared as a protected queue and can be deleted only by deleting the owner entity: exchange 'e' in vhost '/'",
    ],
    [
      "NOT_FOUND - home node 'rabbit@mq2' of durable queue 'x@y' in vhost 'prod' is down or inaccessible",
      "NOT_FOUND - home node 'broker' of durable queue 'x@y' in vhost '/' is down or inaccessible",
    ],
    [
      "INTERNAL_ERROR - Cannot declare a queue 'queue 'q' in vhost 'prod'' on node 'rabbit@mq2': {nodedown,rabbit@mq2}",
      "INTERNAL_ERROR - Cannot declare a queue 'queue 'q' in vhost '/'' on node 'broker'",
    ],
    [
      "INTERNAL_ERROR - Cannot declare quorum queue 'q' in vhost 'prod' on node 'rabbit@mq2' with leader on node 'rabbit@mq3': timeout",
      "INTERNAL_ERROR - Cannot declare quorum queue 'q' in vhost '/' on node 'broker' with leader on node 'broker'",
    ],
    [
      "INTERNAL_ERROR - Could not declare quorum queue 'q' in vhost 'prod' on node 'rabbit@mq2' because the metadata store operation timed out",
      "INTERNAL_ERROR - Could not declare quorum queue 'q' in vhost '/' on node 'broker' because the metadata store operation timed out",
    ],
    [
      "INTERNAL_ERROR - Cannot query missing deliveries from {'prod_q',rabbit@mq2}: timeout",
      'INTERNAL_ERROR - Cannot query missing deliveries',
    ],
    [
      "INTERNAL_ERROR - Cannot get a message from queue 'queue 'q' in vhost 'prod'': {shutdown,rabbit@mq2}",
      "INTERNAL_ERROR - Cannot get a message from queue 'queue 'q' in vhost '/''",
    ],
    ['RESOURCE_ERROR - failed to deliver message: {badrpc,rabbit@mq2}', 'RESOURCE_ERROR - failed to deliver message'],
    ["CONNECTION_FORCED - user 'smithj' is deleted", "CONNECTION_FORCED - user 'joe.smith' is deleted"],
    ["CONNECTION_FORCED - vhost 'prod' is deleted", "CONNECTION_FORCED - vhost '/' is deleted"],
    [
      'CONNECTION_FORCED - rabbit@mq1 (10.1.2.3, mq1.internal.) moves',
      'CONNECTION_FORCED - broker (broker, broker) moves',
    ],
    ['CONNECTION_FORCED - ask ops@example.com', 'CONNECTION_FORCED - ask ops@example.com'],
    [
      'FRAME_ERROR - type 1, first 16 octets = <<0,60,0,40,0,0,0,0,0,0,0,0,0,0,0,0>>: {bad_payload}',
      'FRAME_ERROR - closed by the broker',
    ],
    ['UNEXPECTED_FRAME - type 2, all octets = <<>>', 'UNEXPECTED_FRAME - closed by the broker'],
    ['FRAME_ERROR - cannot decode <<1,2,3>>', 'FRAME_ERROR - closed by the broker'],
  ]
  for (const [text, fit] of rewritten) it(`is rewritten: ${text}`, () => assert.equal(safe(text), fit))

  it('names a host in no text that the client may have caused by a name of its own', () => {
    const text = "NOT_FOUND - no queue 'mq1.internal' in vhost '/'"
    assert.equal(safe(text), text)
  })

  it('E2 shows no part of a name where RabbitMQ has cut it', () => {
    const known = { brokerUser: 'u'.repeat(9), vhost: 'v'.repeat(9) }
    for (let length = 150; length < 256; length++) {
      const text = cut(
        `ACCESS_REFUSED - access to queue '${'q'.repeat(length)}' in vhost '${known.vhost}' refused for user '${known.brokerUser}'`,
      )
      const fit = safe(text, known)
      assert.doesNotMatch(fit, /'[uv]/, text)
      assert.ok(Buffer.byteLength(fit) <= 255)
    }
  })

  it('E2 does not confirm the beginning of a name that a client guesses where RabbitMQ will cut', () => {
    const fill = 'q'.repeat(252 - "NOT_FOUND - no queue ' vhost 'p".length)
    const [right, wrong] = ['p', 'x'].map((guess) =>
      safe(cut(`NOT_FOUND - no queue '${fill} vhost '${guess}${'z'.repeat(9)}`)),
    )
    assert.equal(right, wrong)
  })

  it('cuts at a character, not within it', () => {
    const fit = safe(`ACCESS_REFUSED - access to queue '${'q'.repeat(180)}' refused for user 'smithj'`, {
      subject: 'ß'.repeat(60),
    })
    assert.equal(Buffer.byteLength(fit) <= 255 && !fit.includes('\uFFFD'), true)
  })
})
