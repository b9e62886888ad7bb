/** A listener without an address: the gateway dials doors, and takes the clients that they pass on. */
import { z } from 'zod'
import { atLeastOne, count, filePath, hostName, url } from './units.ts'

/** The port of a door's inner listener, where a URL names none. */
export const INNER_PORT = 8444

const NAME_TEXT = 'expected a name as certificates have it: letters, digits, dots and hyphens'

/** By its certificate a gateway has this name at a door. */
export const innerName = z.string({ error: NAME_TEXT }).regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, {
  error: NAME_TEXT,
})

const doorUrl = url(['tls:'], 'tls://door.example.com:8444')
  .superRefine((value, context) => {
    if (!URL.canParse(value)) return
    const { hostname, pathname, search } = new URL(value)
    if (hostname !== '' && (pathname === '' || pathname === '/') && search === '') return
    context.addIssue({ code: 'custom', message: 'expected a URL of host and port alone: tls://door.example.com:8444' })
  })
  .transform((value) => {
    const { hostname, port } = new URL(value)
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? INNER_PORT : Number(port) }
  })

const tls = z.strictObject({
  ca: filePath.describe('Authorities (PEM) that may vouch for doors; none but these are believed.'),
  cert: filePath.describe('Certificate chain (PEM) that the gateway shows to doors. Read again by a reload.'),
  key: filePath.describe('Its private key (PEM). Read again by a reload.'),
  serverName: hostName.optional().describe("Name a door's certificate must carry, where it is not the URL's host."),
})

export const listenDoor = z.strictObject({
  urls: atLeastOne(doorUrl, 'URLs of doors').describe(
    'The inner listeners of doors (`tls://HOST:PORT`, 8444 without a port); the gateway is at all of them at once.',
  ),
  tls: tls.describe('How the gateway and its doors know each other.'),
  spare: count(1, 1024)
    .prefault(32)
    .describe('Connections that are kept ready at every door, each for one client to come.'),
  name: innerName.describe('The name that doors know this gateway by; its certificate must carry it.'),
})
