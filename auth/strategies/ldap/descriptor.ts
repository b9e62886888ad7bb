/** The type `ldap`. */
import { z } from 'zod'
import { InvalidConfiguration, type Mistake } from '../../errors.ts'
import { readerOf } from '../../promotion/secrets/secrets.ts'
import { atLeastOne, duration, filePath, secret, text, url } from '../../schema/index.ts'
import type { AuthenticatorDescriptor } from '../descriptor.ts'
import { realm } from '../realm-schema.ts'
import { ldapClients } from './client.ts'
import { userAttribute } from './escape.ts'
import { ldapAuthenticator } from './ldap.ts'

const ldapUrl = url(['ldap:', 'ldaps:'], 'ldaps://ldap.example.com')
const dn = text('a distinguished name')
const filter = (name: string) =>
  text(`a filter with {${name}}, in parentheses`)
    .regex(/^\(.*\)$/, { error: `expected a filter in parentheses, such as (uid={user})` })
    .refine((value) => value.includes(`{${name}}`), { error: `expected {${name}} in the filter` })

const bind = z.union(
  [
    z.strictObject({
      dn: dn.describe('As whom the gateway searches.'),
      password: secret.describe('Its password.'),
    }),
    z.strictObject({
      template: text('a template with {user}')
        .refine((value) => value.includes('{user}'), { error: 'expected {user} in the template' })
        .describe('As whom each person binds: `uid={user},ou=people,dc=example`, or `{user}@corp.example.com`.'),
    }),
  ],
  { error: 'expected { dn, password } or { template }' },
)

const schema = z.strictObject({
  type: z.literal('ldap').describe('HTTP Basic [RFC 7617] against a directory (LDAP); needs the package `ldapts`.'),
  realm,
  url: ldapUrl.optional().describe('The directory; `ldaps://` verifies chain and name.'),
  urls: atLeastOne(ldapUrl, 'URLs').optional().describe('Several instead of `url`, tried in this order.'),
  startTls: z.boolean().prefault(false).describe('TLS on an `ldap://` connection, before anything else is said.'),
  tls: z
    .strictObject({ ca: filePath.describe('Authorities (PEM) that may vouch for it, instead of those Node trusts.') })
    .optional()
    .describe('How the directory is verified.'),
  bind: bind.describe('How the directory is asked: by a user of the gateway, or by each person.'),
  users: z
    .strictObject({
      base: dn.describe('Where people are searched.'),
      filter: filter('user').describe('Which entry is the person: `(uid={user})`. The subject is that attribute.'),
    })
    .optional()
    .describe('How a person is found; needed where the gateway searches.'),
  groups: z
    .strictObject({
      base: dn.describe('Where groups are searched.'),
      filter: filter('dn').describe('Which groups a person is in: `(member={dn})`.'),
      role: text('an attribute', 64).prefault('cn').describe('The attribute of a group that is the role.'),
      nested: z.boolean().prefault(false).describe('Whether groups of groups count, up to 10 levels.'),
    })
    .optional()
    .describe('Where roles come from; absent: nobody has one.'),
  recheck: duration('1s', '24h')
    .prefault('5m')
    .describe('How often the people of live sessions are looked for again, where the gateway searches.'),
})

type Config = z.output<typeof schema>

export const ldap: AuthenticatorDescriptor<typeof schema> = {
  schema,
  check({ url: one, urls, startTls, bind: how, users }) {
    const found: Mistake[] = []
    if (one === undefined && urls === undefined)
      found.push({ path: ['url'], message: 'missing: `url`, or several as `urls`' })
    if (one !== undefined && urls !== undefined)
      found.push({ path: ['urls'], at: 'key', message: 'expected either `url` or `urls`, not both' })
    if (startTls && addressesOf({ url: one, urls }).some((each) => each.startsWith('ldaps:')))
      found.push({ path: ['startTls'], message: 'without meaning: ldaps:// is TLS already' })
    if (users === undefined && !('template' in how))
      found.push({ path: ['users'], message: 'missing: the gateway searches with it' })
    const source = users?.filter ?? ('template' in how ? how.template : '(uid={user})')
    if (userAttribute(source) === undefined) {
      const message = 'expected an attribute that is {user}, as in (uid={user}): the subject is read from it'
      found.push({ path: users === undefined ? ['bind', 'template'] : ['users', 'filter'], message })
    }
    return found
  },
  warnings({ startTls, ...config }) {
    const isPlain = !startTls && addressesOf(config).some((each) => each.startsWith('ldap:'))
    const message = 'passwords travel unencrypted to this directory: use ldaps:// or `startTls`'
    return isPlain ? [{ path: [config.url === undefined ? 'urls' : 'url'], message }] : []
  },
  files: ({ tls }) => (tls === undefined ? [] : [{ path: ['tls', 'ca'], file: tls.ca, holds: 'certificates' }]),
  secrets: ({ bind: how }) => ('password' in how ? [{ path: ['bind', 'password'], secret: how.password }] : []),
  ambient: () => 'browsers keep Basic passwords and send them again',
  rolesKey: ({ groups }) => (groups === undefined ? 'groups' : undefined),
  /** The package is optional, and the gateway itself may run elsewhere. */
  async tryOut(_given, { load }) {
    try {
      await ldapClients(async () => await load('ldapts'))
      return []
    } catch (error) {
      if (!(error instanceof InvalidConfiguration)) throw error
      return error.problems
    }
  },
  async make({ name, config, scope }, { load, readFile, sources, state }) {
    const { realm: named, startTls, tls, bind: how, users, groups, recheck } = config
    const ca = tls === undefined ? undefined : Buffer.from(await readFile(tls.ca))
    return await ldapAuthenticator(
      {
        name,
        realm: named,
        server: { urls: addressesOf(config), startTls, ca },
        bind: 'template' in how ? how : { dn: how.dn, readSecret: readerOf(how.password, sources) },
        users,
        groups,
        recheckMs: recheck,
        attempts: state.attempts(scope),
      },
      async () => await load('ldapts'),
    )
  },
}

function addressesOf({ url: one, urls }: Pick<Config, 'url' | 'urls'>): readonly string[] {
  return urls ?? (one === undefined ? [] : [one])
}
