/**
 * What a broker has to have so that it refuses nothing that the gateway allows: vhosts, users, their tags and permissions.
 * Read from the configuration alone; nobody is asked and no secret is read. What that cannot tell is a note.
 */
import { ALL_RIGHTS, type BrokerRights, brokerRights } from '../../../auth/index.ts'
import type {
  Config,
  CredentialConfig,
  PermissionConfig,
  RuleConfig,
  SecretSource,
  ServiceConfig,
} from '../../config/schema/schema.ts'
import { shellWord } from './shell-word.ts'

/** How a broker user proves itself. */
export type BrokerLogin =
  /** `place`: where the password stands in the configuration. */
  | { readonly kind: 'password'; readonly source: SecretSource; readonly place: string }
  /** By the gateway's certificate: RabbitMQ knows the user, and no password. */
  | { readonly kind: 'certificate' }
  /** By a token, which brings its own rights. */
  | { readonly kind: 'token' }

export interface BrokerUserNeeds {
  readonly name: string
  readonly login: BrokerLogin
  readonly credential: CredentialConfig
  /** Whether its messages carry the `user-id` of another. */
  readonly isImpersonator: boolean
  /** By vhost: what the gateway lets through there; undefined: everything. */
  readonly permissions: ReadonlyMap<string, Permissions>
}

export interface BrokerNeeds {
  readonly broker: string
  readonly vhosts: readonly string[]
  readonly users: readonly BrokerUserNeeds[]
  /** What the configuration does not tell, each with its place. */
  readonly notes: readonly string[]
}

type Permissions = readonly PermissionConfig[] | undefined

/** A user that the configuration names. */
type KnownUser = Pick<BrokerUserNeeds, 'name' | 'login' | 'credential'>

/** One way to the broker: a rule of a service, and one of the broker's users. */
interface Way extends KnownUser {
  readonly vhosts: readonly string[]
  readonly permissions: Permissions
  readonly isImpersonator: boolean
}

/** What a user needs in one of its vhosts. */
export function rightsOf(permissions: Permissions, user: string | undefined): BrokerRights {
  return permissions === undefined ? ALL_RIGHTS : brokerRights(permissions, user)
}

/** Of every broker that a service names, in the order of the file. */
export function brokerNeeds(config: Config): readonly BrokerNeeds[] {
  const named = Object.keys(config.brokers).filter((name) => config.services.some(({ broker }) => broker === name))
  return named.map((broker) => needsOf(config, broker))
}

function needsOf(config: Config, broker: string): BrokerNeeds {
  const notes: string[] = []
  const credentials = config.brokers[broker]?.credentials ?? {}
  const ways = config.services.flatMap((service, index) => {
    if (service.broker !== broker) return []
    notes.push(...serviceNotes(service))
    return service.promote.flatMap((rule, position) => {
      const place = `services[${index}].promote[${position}]`
      return wayOf(service, rule, { broker, credentials, place, note: (text) => notes.push(text) })
    })
  })
  return {
    broker,
    vhosts: [...new Set(config.services.flatMap((service) => (service.broker === broker ? vhostsOfAll(service) : [])))],
    users: joined(ways),
    notes: [...new Set(notes)],
  }
}

function serviceNotes({ path, permissions, entitlements, enforce }: ServiceConfig): string[] {
  if (enforce && entitlements !== undefined)
    return [`service ${path} asks for \`entitlements\`: its users need what those grant, too`]
  if (permissions === undefined)
    return [`service ${path} has no \`permissions\`: the broker decides there, and every right is given; narrow them`]
  if (!enforce)
    return [
      `service ${path} has \`enforce: false\`: it lets everything through, and every right is given; narrow them later`,
    ]
  return []
}

interface Looking {
  readonly broker: string
  readonly credentials: Readonly<Record<string, CredentialConfig>>
  /** Of the rule. */
  readonly place: string
  note(text: string): void
}

function wayOf(service: ServiceConfig, rule: RuleConfig, looking: Looking): Way[] {
  const { to } = rule
  if (to === undefined) return []
  const { broker, credentials, place, note } = looking
  const user =
    typeof to === 'string'
      ? namedUser(credentials[to], `brokers.${broker}.credentials.${to}`)
      : templateUser(to, `${place}.to`)
  const vhosts = vhostsOf(service, rule)
  const permissions = permissionsOf(service, rule)
  const isImpersonator = service.stamp?.userId === 'subject'
  if ('name' in user) return [{ ...user, vhosts, permissions, isImpersonator }]
  const rights = rightsOf(permissions, undefined)
  const tag = isImpersonator ? ', the tag impersonator' : ''
  note(
    `${place}: ${user.unknown}. Each needs in ${vhosts.map(shellWord).join(', ')}: ` +
      `configure ${shellWord(rights.configure)}, write ${shellWord(rights.write)}, read ${shellWord(rights.read)}${tag}`,
  )
  return []
}

type FoundUser = KnownUser | { readonly unknown: string }

function namedUser(credential: CredentialConfig | undefined, place: string): FoundUser {
  switch (credential?.kind) {
    case undefined:
      return { unknown: `there is no ${place}` }
    case 'password':
      return passwordUser(credential, place)
    case 'external':
      return credential.username === undefined
        ? { unknown: `the broker reads the user from the gateway's certificate, and ${place} has no \`username\`` }
        : { name: credential.username, login: { kind: 'certificate' }, credential }
    case 'oauth2':
      return { name: credential.username, login: { kind: 'token' }, credential }
    case 'passOn':
    case 'exchange':
      return { unknown: 'the broker users are those of the tokens' }
    case 'module':
      return { unknown: 'the module names the broker users' }
  }
}

function templateUser(template: Exclude<RuleConfig['to'], string | undefined>, place: string): FoundUser {
  // In a rule, `$${` is written for `${`.
  const names = [template.username, ...(template.password.kind === 'file' ? [template.password.path] : [])]
  if (names.some((text) => text.replaceAll('$${', '').includes('${')))
    return { unknown: `the broker users are called ${template.username}` }
  const username = template.username.replaceAll('$${', () => '${')
  return passwordUser({ kind: 'password', ...template, username }, place)
}

function passwordUser(credential: Extract<CredentialConfig, { kind: 'password' }>, place: string): FoundUser {
  const { username: name, password: source } = credential
  return { name, login: { kind: 'password', source, place: `${place}.password` }, credential }
}

function permissionsOf({ permissions, entitlements, enforce }: ServiceConfig, { tags }: RuleConfig): Permissions {
  if (!enforce) return undefined
  const written = permissions ?? (entitlements === undefined ? undefined : [])
  return written?.filter((entry) => mayApply(entry, tags))
}

/** Of `for`, only the tags are sure before anybody logs in: the rule gives them. */
function mayApply({ for: whom }: PermissionConfig, tags: readonly string[]): boolean {
  const asked = whom?.tag
  if (asked === undefined) return true
  return asked.some((tag) => typeof tag !== 'string' || tags.includes(tag))
}

function vhostsOf(service: ServiceConfig, rule: RuleConfig): readonly string[] {
  return given(rule) ?? given(service) ?? []
}

function vhostsOfAll(service: ServiceConfig): readonly string[] {
  return service.promote.flatMap((rule) => (rule.to === undefined ? [] : vhostsOf(service, rule)))
}

function given({ vhost, vhosts }: Pick<RuleConfig, 'vhost' | 'vhosts'>): readonly string[] | undefined {
  return vhost === undefined ? vhosts : [vhost]
}

/** One entry for each user, with all that any way asks of it. Its login is that of its first way. */
function joined(ways: readonly Way[]): BrokerUserNeeds[] {
  const first = ways.filter(({ name }, index) => ways.findIndex((other) => other.name === name) === index)
  return first.map(({ name, login, credential }) => {
    const own = ways.filter((way) => way.name === name)
    const vhosts = [...new Set(own.flatMap((way) => way.vhosts))]
    return {
      name,
      login,
      credential,
      isImpersonator: own.some((way) => way.isImpersonator),
      permissions: new Map(vhosts.map((vhost) => [vhost, permissionsIn(vhost, own)])),
    }
  })
}

function permissionsIn(vhost: string, ways: readonly Way[]): Permissions {
  const there = ways.filter((way) => way.vhosts.includes(vhost)).map(({ permissions }) => permissions)
  const limited = there.filter((permissions) => permissions !== undefined)
  return limited.length === there.length ? limited.flat() : undefined
}
