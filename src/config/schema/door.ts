/** The whole configuration of a door (`gatehouse door`), in the style of the gateway's own: see `schema.ts`. */
import { z } from 'zod'
import { adminHosts, log } from './listen.ts'
import { INNER_PORT, innerName } from './reverse.ts'
import { atLeastOne, count, duration, filePath, hostName, oneOrMany, port } from './units.ts'

const SERVER_TEXT = 'expected a host name such as gate.example.com or *.example.com, without scheme and port'
const serverName = z
  .string({ error: SERVER_TEXT })
  .regex(
    /^(?=.{1,253}$)(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/,
    {
      error: SERVER_TEXT,
    },
  )
  .transform((value) => value.toLowerCase())

const site = z.strictObject({
  serverName: serverName.describe(
    'The host in the URL of clients, as their TLS names it (SNI); `*.` stands for one label.',
  ),
  to: oneOrMany(innerName).describe('Gateways that serve it, by a name that their certificate carries.'),
})

const listen = z.strictObject({
  host: hostName.prefault('0.0.0.0').describe('Address for clients; `0.0.0.0` or `::` for all.'),
  port: port.prefault(443).describe('Port for clients; 0 takes a free one.'),
  sites: atLeastOne(site, 'sites')
    .optional()
    .describe('Host names that are served; absent: any, by every gateway. Clients that name another are dropped.'),
})

const inner = z.strictObject({
  host: hostName.prefault('0.0.0.0').describe('Address for gateways.'),
  port: port.prefault(INNER_PORT).describe('Port for gateways; 0 takes a free one.'),
  tls: z
    .strictObject({
      cert: filePath.describe('Certificate chain (PEM) that the door shows to gateways. Read again at SIGHUP.'),
      key: filePath.describe("Its private key (PEM). Read again at SIGHUP. It is no key of the site's."),
      ca: filePath.describe('Authorities (PEM) that vouch for gateways. Read again at SIGHUP.'),
    })
    .describe('How gateways and the door know each other; gateways without a certificate are turned away.'),
  names: atLeastOne(innerName, 'names of gateways')
    .optional()
    .describe(
      'Gateways that may connect, by a name that their certificate carries; absent: all that `ca` vouches for.',
    ),
})

const limits = z.strictObject({
  connectionsPerAddress: count(1, 1_000_000).prefault(256).describe('Clients of one address (IPv6: of one /64).'),
  connections: count(1, 1_000_000).prefault(20_000).describe('Clients together, those that wait included.'),
  idle: duration('1s', '24h')
    .prefault('90s')
    .describe('A client is dropped when no byte has passed for so long; above the `ping` of the services inside.'),
})

const admin = z.strictObject({
  host: hostName.prefault('127.0.0.1').describe('Address for health and metrics.'),
  port: port.prefault(8445).describe('Port for health and metrics; 0 takes a free one.'),
  hosts: adminHosts,
})

export const doorSchema = z.strictObject({
  listen: listen.prefault({}).describe('Where clients connect.'),
  inner: inner.describe('Where gateways connect.'),
  wait: duration('100ms', '1m')
    .prefault('2s')
    .describe('How long a client waits for a free connection of a gateway; then it is dropped.'),
  limits: limits.prefault({}).describe('What clients may take.'),
  admin: admin.optional().describe('Health and metrics, on a listener of their own; absent: none.'),
  log: log.prefault({}).describe('What the door writes about itself.'),
  drain: duration('0s', '24h')
    .prefault('10s')
    .describe('How long clients that are connected may stay when the door stops.'),
})

/** What may be written, in YAML or as a plain object. */
export type DoorInput = z.input<typeof doorSchema>
/** What the program gets. */
export type DoorConfig = z.output<typeof doorSchema>
