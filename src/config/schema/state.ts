/** What several gateways share, and the store in which they do. */
import { z } from 'zod'
import { secret } from './secrets.ts'
import { atLeastOne, duration, filePath, hostName, oneOrMany, text, url } from './units.ts'

const storeUrl = url(['redis:', 'rediss:'], 'redis://redis.example.com:6379')
  .superRefine((value, context) => {
    if (!URL.canParse(value)) return
    const { pathname, search } = new URL(value)
    if ((pathname === '' || pathname === '/') && search === '') return
    context.addIssue({ code: 'custom', message: 'expected a URL without path or query: only database 0 is used' })
  })
  .transform((value) => {
    const { protocol, hostname, port } = new URL(value)
    const host = hostname.replace(/^\[|\]$/g, '')
    return { host, port: port === '' ? 6379 : Number(port), tls: protocol === 'rediss:' }
  })

const user = text('the name of a user', 255)

const PREFIX_TEXT = 'expected letters, digits and . _ : -, starting with a letter or digit'

export const state = z.strictObject({
  urls: atLeastOne(storeUrl, 'URLs of the store').describe(
    'The server; with `sentinel` the Sentinels, with `cluster` some nodes. `rediss://` verifies chain and name.',
  ),
  sentinel: z
    .strictObject({
      name: text('the name of a primary', 255).describe('The name under which the Sentinels know the primary.'),
      username: user.optional().describe('User at the Sentinels; absent: none is named.'),
      password: secret.optional().describe('Its password at the Sentinels; absent: they ask for none.'),
    })
    .optional()
    .describe('The URLs are those of Redis Sentinels, which say where the primary is.'),
  cluster: z.boolean().prefault(false).describe('The URLs are those of nodes of a Redis Cluster.'),
  username: user.optional().describe('User at the store (ACL); absent: its `default` user.'),
  password: secret.optional().describe('Its password; absent: the store asks for none.'),
  tls: z
    .strictObject({
      ca: filePath.optional().describe('Authorities (PEM) that may vouch for the store, instead of those Node trusts.'),
      cert: filePath.optional().describe('Client certificate (PEM).'),
      key: filePath.optional().describe('Private key (PEM) of the client certificate.'),
      serverName: hostName
        .optional()
        .describe("Name the store's certificate must carry, where it is not the URL's host."),
    })
    .optional()
    .describe('How `rediss://` is verified, and the client certificate shown.'),
  prefix: z
    .string({ error: PREFIX_TEXT })
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, { error: PREFIX_TEXT })
    .prefault('gatehouse')
    .describe('What all keys begin with; gateways with one prefix share their state.'),
  key: oneOrMany(secret).describe(
    'The key that seals what is stored, as `gatehouse secret keygen` prints it, or a list: the first seals, all open.',
  ),
  timeout: duration('10ms', '5s')
    .prefault('250ms')
    .describe('How long one request may wait for the store, all its questions together.'),
})
