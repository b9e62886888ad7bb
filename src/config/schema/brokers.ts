/**
 * The brokers behind the gateway and what each may be shown. A credential here is a description: promotion turns it
 * into bytes for one session.
 */
import { z } from 'zod'
import { secret } from './secrets.ts'
import {
  atLeastOne,
  CLIENT_AUTHENTICATION,
  claimPlace,
  count,
  duration,
  filePath,
  hostName,
  issuerUrl,
  name,
  text,
  url,
} from './units.ts'

const brokerUrl = url(['amqp:', 'amqps:'], 'amqp://rabbitmq.example.com:5672')
  .superRefine((value, context) => {
    if (!URL.canParse(value)) return
    const { pathname, search } = new URL(value)
    if ((pathname === '' || pathname === '/') && search === '') return
    context.addIssue({
      code: 'custom',
      message: 'expected a URL without path or query: the vhost belongs to the service',
    })
  })
  .transform((value) => {
    const { protocol, hostname, port } = new URL(value)
    const tls = protocol === 'amqps:'
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? (tls ? 5671 : 5672) : Number(port), tls }
  })

const tls = z.strictObject({
  ca: filePath.optional().describe('Authorities (PEM) that may vouch for the broker, instead of those Node trusts.'),
  cert: filePath.optional().describe('Client certificate (PEM), for `mechanism: EXTERNAL`.'),
  key: filePath.optional().describe('Private key (PEM) of the client certificate.'),
  serverName: hostName.optional().describe("Name the broker's certificate must carry, where it is not the URL's host."),
})

/** A broker user's name as the wire takes it: at most 255 bytes, no control characters. [AMQP §4.2.5.3] */
const brokerUser = text('the name of a broker user', 255).refine((value) => Buffer.byteLength(value) <= 255, {
  error: 'expected the name of a broker user of at most 255 bytes',
})

const allowLoopbackUser = z
  .boolean()
  .prefault(false)
  .describe('Accepts `guest`, which RabbitMQ itself accepts from loopback addresses only.')

export const passwordFields = {
  username: brokerUser.describe('Broker user.'),
  password: secret.describe('Its password.'),
  mechanism: z
    .enum(['PLAIN', 'AMQPLAIN'])
    .optional()
    .describe('The only SASL mechanism to use; absent, PLAIN, else AMQPLAIN, as the broker offers.'),
  allowLoopbackUser,
}

const password = z.strictObject(passwordFields).transform((fields) => ({ kind: 'password' as const, ...fields }))

const external = z
  .strictObject({
    mechanism: z.literal('EXTERNAL').describe("The broker derives the user from the gateway's client certificate."),
    username: brokerUser.optional().describe('What the broker derives, for logs and `user-id` stamps.'),
  })
  .transform((fields) => ({ kind: 'external' as const, ...fields }))

const renew = z
  .boolean()
  .prefault(true)
  .describe('Sends a fresh token with `connection.update-secret` before the old one expires.')

const oauth2 = z
  .strictObject({
    oauth2: z
      .strictObject({
        tokenUrl: issuerUrl.describe('Token endpoint.'),
        clientId: text('a client id').describe('Client id at the authorisation server.'),
        clientSecret: secret.describe('Its secret.'),
        scope: text('scopes, separated by spaces').optional().describe('Scopes to ask for, separated by spaces.'),
        audience: text('an audience').optional().describe('Audience (resource server id) to ask for.'),
        authentication: z
          .enum(CLIENT_AUTHENTICATION)
          .prefault('basic')
          .describe(
            'How client id and secret are sent: Authorization header [RFC 6749 §2.3.1], the same without form-encoding, or form fields.',
          ),
        renew,
      })
      .describe('A token from client credentials [RFC 6749 §4.4], shown as the password.'),
    username: brokerUser
      .optional()
      .describe('User the broker reads from the token, for logs and stamps; absent: the client id.'),
  })
  .transform(({ oauth2: grant, username }) => ({
    kind: 'oauth2' as const,
    username: username ?? grant.clientId,
    ...grant,
  }))

const exchange = z
  .strictObject({
    exchange: z
      .strictObject({
        issuer: issuerUrl
          .optional()
          .describe("The provider's issuer identifier: its metadata name the token endpoint."),
        tokenUrl: issuerUrl.optional().describe('Token endpoint, where no metadata name it.'),
        clientId: text('a client id').describe('Client id of the gateway at the provider.'),
        clientSecret: secret.describe('Its secret.'),
        audience: text('an audience').optional().describe('Audience (resource server id) to ask for.'),
        scope: text('scopes, separated by spaces').optional().describe('Scopes to ask for, separated by spaces.'),
        authentication: z
          .enum(CLIENT_AUTHENTICATION)
          .prefault('basic')
          .describe('How client id and secret are sent, as for `oauth2`.'),
        renew,
      })
      .describe("A token made of the user's own access token [RFC 8693], shown as the password."),
    userClaim: claimPlace
      .optional()
      .describe('Claim that the broker reads the user from, for logs and stamps; absent: the subject.'),
  })
  .transform(({ exchange: grant, userClaim }) => ({ kind: 'exchange' as const, userClaim, ...grant }))

const passOn = z
  .strictObject({
    passOn: z.literal('accessToken').describe("The user's own access token, shown as the password."),
    userClaim: claimPlace
      .optional()
      .describe('Claim that the broker reads the user from, for logs and stamps; absent: the subject.'),
    renew,
  })
  .transform((fields) => ({ kind: 'passOn' as const, ...fields }))

const ownModule = z
  .strictObject({
    module: filePath.describe(
      'ES module whose default export is `(identity, { broker, options, signal }) => credential`.',
    ),
    options: z.record(z.string(), z.unknown()).prefault({}).describe('Handed to the module as they are.'),
    timeout: duration('1ms', '1m').prefault('2s').describe('Time the module has for one answer.'),
    cache: duration('0s', '24h')
      .prefault('60s')
      .describe('How long an answer is kept for one identity with the same token; 0s: never.'),
  })
  .transform((fields) => ({ kind: 'module' as const, ...fields }))

const credential = z.union([password, external, oauth2, exchange, passOn, ownModule], {
  error:
    'expected a credential: { username, password }, { mechanism: EXTERNAL }, { oauth2 }, { exchange }, { passOn: accessToken } or { module }',
})

export const broker = z.strictObject({
  urls: atLeastOne(brokerUrl, 'broker URLs').describe(
    'The nodes, each tried once for a session; `amqps://` verifies chain and name, TLS 1.2 or newer.',
  ),
  tls: tls.optional().describe('How `amqps://` is verified, and the client certificate shown.'),
  proxyProtocol: z
    .boolean()
    .prefault(false)
    .describe("Sends a PROXY protocol v2 header with the client's address; the broker must expect it."),
  choose: z
    .enum(['inOrder', 'random', 'leastSessions'])
    .prefault('inOrder')
    .describe('Which node a new session is given: the first URL that answers, any, or the one with fewest sessions.'),
  probe: z
    .strictObject({
      every: duration('1s', '1h').prefault('5s').describe('How often a node that is away is asked whether it is back.'),
      timeout: duration('100ms', '1m').prefault('2s').describe('How long it may take to greet.'),
    })
    .prefault({})
    .describe('How nodes that are away are found to be back: by the greeting alone, never by a login.'),
  rebalance: z
    .strictObject({
      after: duration('1s', '24h')
        .prefault('60s')
        .describe('How long after a node is back, and from one look at the nodes to the next.'),
      perSecond: count(1, 10_000).prefault(20).describe('Sessions that are asked to reconnect in a second.'),
    })
    .optional()
    .describe('Moves sessions from nodes that have too many, at quiet points (see `drain`); absent: they stay.'),
  credentials: z.record(name, credential).prefault({}).describe('Name → what this broker may be shown.'),
})
