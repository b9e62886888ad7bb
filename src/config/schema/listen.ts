/** Where the gateway listens, in public and for operators, and what it writes about itself. */
import { z } from 'zod'
import { when } from './matching.ts'
import { listenDoor } from './reverse.ts'
import { authenticateEntries, origin } from './services.ts'
import { addressRange, atLeastOne, filePath, hostName, oneOrMany, port, url } from './units.ts'

const clientCertificates = z.strictObject({
  ca: filePath.describe('Certificates (PEM) of the authorities whose client certificates are accepted.'),
  mode: z
    .enum(['none', 'optional', 'required'])
    .prefault('optional')
    .describe('Whether clients are asked for a certificate, and turned away at the TLS handshake without one.'),
})

const tls = z.strictObject({
  cert: filePath.describe('Certificate chain (PEM). Read again by a reload.'),
  key: filePath.describe('Private key (PEM). Read again by a reload.'),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).prefault('TLSv1.2').describe('Oldest TLS version that is accepted.'),
  clientCertificates: clientCertificates
    .optional()
    .describe('Client certificates, for the authenticator `clientCertificate`.'),
})

const listener = z.strictObject({
  // With it the other shape is meant, whatever else is wrong.
  door: z.never().optional(),
  host: hostName.prefault('127.0.0.1').describe('Address to listen on; `0.0.0.0` or `::` for all.'),
  port: port.prefault(8080).describe('Port; 0 takes a free one.'),
  tls: tls.optional().describe('Makes the listener speak TLS (`wss://`).'),
  trustedProxies: atLeastOne(addressRange, 'address ranges')
    .optional()
    .describe(
      'Reverse proxies whose `X-Forwarded-For` is believed: the client is the right-most hop that is none of them.',
    ),
  proxyProtocol: z
    .boolean()
    .prefault(false)
    .describe(
      'Each connection begins with a PROXY protocol header (v1 or v2), which says who the client is. Only `trustedProxies` may connect then.',
    ),
  behindTls: z
    .boolean()
    .prefault(false)
    .describe(
      'TLS ends in front of this listener: ticket cookies are `__Host-` and Secure, and a plain listener is no cause for a warning.',
    ),
})

const doorListener = z.strictObject({
  door: listenDoor.describe('Doors through which clients arrive, instead of an address to listen on.'),
  tls: tls.describe('The TLS of clients, which ends here: doors pass it on unread.'),
})

export const listen = oneOrMany(
  z.union([listener, doorListener], {
    error: 'expected a listener: { host, port } for an address of its own, or { door, tls } behind doors',
  }),
)

const ADMIN_HOST_TEXT = 'expected a host name such as gateway.internal, without scheme and port'
const adminHost = z
  .string({ error: ADMIN_HOST_TEXT })
  .regex(
    /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/,
    {
      error: ADMIN_HOST_TEXT,
    },
  )

export const adminHosts = oneOrMany(adminHost, 0)
  .prefault([])
  .describe('Names by which it may be called, beside IP addresses, `localhost` and its own `host`; others get 421.')

const roles = z.strictObject({
  viewer: when.optional().describe('Who may look: sessions, overview.'),
  operator: when.optional().describe('Who may also end sessions and block people.'),
  administrator: when.optional().describe('Who may also reload the configuration and read it.'),
})

export const admin = z.strictObject({
  host: hostName.prefault('127.0.0.1').describe('Address for health, metrics and the management API.'),
  port: port.prefault(8081).describe('Port for health, metrics and the management API; 0 takes a free one.'),
  tls: tls.optional().describe('Makes the admin listener speak TLS.'),
  trustedProxies: atLeastOne(addressRange, 'address ranges')
    .optional()
    .describe('Reverse proxies whose `X-Forwarded-For` is believed.'),
  behindTls: z.boolean().prefault(false).describe('TLS ends in front of the admin listener.'),
  authenticate: authenticateEntries
    .optional()
    .describe('Authenticators of the management API, any of which admits; absent: there is no API.'),
  roles: roles
    .optional()
    .describe('Role → whom it is given to, as in `when`; each role may do what those before it may.'),
  origins: oneOrMany(origin, 0)
    .prefault([])
    .describe("Origins whose pages may write through the API, beside the listener's own."),
  hosts: adminHosts.describe(
    'Names by which it may be called, beside IP addresses, `localhost`, its own `host` and that of `publicUrl`; others get 421.',
  ),
  publicUrl: url(['https:', 'http:'], 'https://console.example.com')
    .optional()
    .describe('How browsers reach it, for OpenID logins: the redirect URI is this and `/auth/callback`.'),
})

export const log = z.strictObject({
  level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .prefault('info')
    .describe('The least severe lines that are written, on standard output.'),
  format: z
    .enum(['auto', 'json', 'pretty'])
    .prefault('auto')
    .describe('How lines look: `json`, or `pretty` for people; `auto` is pretty where standard output is a terminal.'),
})
