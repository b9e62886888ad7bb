/** `gatehouse explain`: what a service would make of somebody, rule by rule, without anybody logging in. */
import {
  ANONYMOUS,
  compileAddresses,
  descriptorOf,
  type Identity,
  MAY_USAGE,
  may,
  NO_ENTITLEMENT,
  word,
} from '../../auth/index.ts'
import { connectionName } from '../../proxy/index.ts'
import { loadConfig } from '../config/reading/load.ts'
import { nearest, suggestion } from '../config/reading/nearest.ts'
import type { Config, ServiceConfig } from '../config/schema/schema.ts'
import { policyOf, type SessionFacts } from '../services/filters.ts'
import type { Command } from './command.ts'
import { type AskedEntitlements, askEntitlements } from './entitlements.ts'
import { EXIT, UsageError } from './exit.ts'
import { type OfflineService, offline } from './offline.ts'
import { needed, parseOptions } from './options.ts'
import { say } from './terminal.ts'

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  service: { type: 'string' },
  subject: { type: 'string' },
  role: { type: 'string', multiple: true },
  claim: { type: 'string', multiple: true },
  issuer: { type: 'string' },
  authenticator: { type: 'string' },
  address: { type: 'string' },
  may: { type: 'string', multiple: true },
  entitlements: { type: 'boolean' },
} as const

/** Stands in for a session's id, of which there is none. */
const SESSION = 'SESSION'

export const explain: Command = {
  name: 'explain',
  summary: 'Say what a service would make of somebody, rule by rule.',
  usage: ['explain -c FILE --service PATH --subject NAME [--role ROLE]… [--claim NAME=VALUE]… [OPTIONS]'],
  help: `  -c, --config FILE       the configuration
  --service PATH          the service; may be left out where there is only one
  --subject NAME          who it is; may be left out where everybody is anonymous
  --role ROLE             a role of theirs; any number
  --claim NAME=VALUE      a claim of theirs, as JSON or else as text; any number
  --authenticator NAME    what proved it (the service's first)
  --issuer ISSUER         who vouches (what that authenticator would say)
  --address ADDRESS       where they come from (127.0.0.1)
  --may QUESTION          what they may do, as in "bind quotes.#"; any number
  --entitlements          ask the service's entitlement service, and count its answer

Questions:
${MAY_USAGE.replaceAll(/^/gm, '  ')}

No secret is read and nobody is asked, unless --entitlements says so. The last line is "promoted: USER" or "refused: REASON"; the exit code 0 either way.`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'explain', options: OPTIONS })
    const file = needed(values.config, '-c FILE', 'explain')
    const { config } = loadConfig(file, terminal.env, { files: false })
    const { services, sources } = offline(config, file, terminal.env)
    const service = serviceOf(services, values.service)
    const address = values.address ?? '127.0.0.1'
    const identity = identityOf(service.config, config, values)
    const asked =
      values.entitlements === true ? await askEntitlements(service, { identity, address }, sources) : undefined
    for (const line of explanation(service, { identity, address, asked }, values.may ?? [])) say(terminal, line)
    return EXIT.ok
  },
}

function serviceOf(services: readonly OfflineService[], path: string | undefined): OfflineService {
  const paths = services.map(({ config }) => config.path)
  const [only, second] = services
  const found = path === undefined && second === undefined ? only : services.find(({ config }) => config.path === path)
  if (found) return found
  if (path === undefined)
    throw new UsageError(`explain needs --service, one of ${paths.join(', ')}`, { command: 'explain' })
  throw new UsageError(`explain: no service ${JSON.stringify(path)}${suggestion(path, paths)}`, { command: 'explain' })
}

type Values = ReturnType<typeof parseOptions<typeof OPTIONS>>['values']

/** The identity that the options speak of, as the named authenticator would make it. */
function identityOf(service: ServiceConfig, config: Config, values: Values): Identity {
  const roles = values.role ?? []
  const claims = Object.fromEntries((values.claim ?? []).map(readClaim))
  if (service.anonymous) return { ...ANONYMOUS, subject: values.subject ?? ANONYMOUS.subject, roles, claims }
  const names = (service.authenticate ?? []).flatMap((entry) => (typeof entry === 'string' ? [entry] : entry.all))
  const authenticator = values.authenticator ?? names[0] ?? ''
  if (!names.includes(authenticator)) {
    const hint = suggestion(authenticator, names)
    throw new UsageError(`explain: this service has no authenticator ${JSON.stringify(authenticator)}${hint}`, {
      command: 'explain',
    })
  }
  const issuer = values.issuer ?? issuerOf(config, authenticator)
  const subject = needed(values.subject, '--subject', 'explain')
  return { issuer, subject, authenticator, roles, claims, fromCookie: false }
}

function issuerOf(config: Config, authenticator: string): string {
  const found = config.authenticators[authenticator]
  return (found && descriptorOf(found).issuer?.(found)) ?? authenticator
}

/** `dept=fx` is text, `level=3` a number, `tags=["a"]` a list. */
function readClaim(text: string): [string, unknown] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new UsageError('explain: expected --claim NAME=VALUE', { command: 'explain' })
  try {
    return [name, JSON.parse(value) as unknown]
  } catch {
    return [name, value]
  }
}

interface Explained {
  readonly identity: Identity
  readonly address: string
  /** The answer of the entitlement service, where it was asked. */
  readonly asked: AskedEntitlements | undefined
}

function explanation(
  { config, promotion }: OfflineService,
  { identity, address, asked }: Explained,
  questions: readonly string[],
): string[] {
  const { rules, result } = promotion.explain({ identity, address, session: SESSION })
  const lines = [
    `service ${config.path}, broker ${config.broker}`,
    `subject ${JSON.stringify(identity.subject)} of issuer ${JSON.stringify(identity.issuer)}, from ${address}`,
    `as a word in patterns: ${word(identity.subject, 'subject')}`,
    ...rules.map(({ index, effect, outcome, reason }) => `rule ${index + 1}, ${effect}: ${OUTCOMES[outcome]}${reason}`),
  ]
  const refusal = requirementRefusal(config, identity, address)
  if (refusal !== undefined) return [...lines, `refused: ${refusal}`]
  if (result.kind === 'refused') {
    return [...lines, result.code === 'no-rule' ? 'refused: no promotion rule' : `refused: ${result.detail}`]
  }
  const vhosts =
    'pinned' in result.vhosts ? `vhost ${result.vhosts.pinned}` : `one of ${result.vhosts.allowed.join(', ')}`
  const tags = result.tags.length > 0 ? `, tags ${result.tags.join(', ')}` : ''
  const { username: user = UNKNOWN_USER } = result
  if (asked?.refused !== undefined) return [...lines, ...asked.lines, `refused: ${asked.refused}`]
  const entitlement = asked?.entitlement ?? (config.entitlements === undefined ? undefined : NO_ENTITLEMENT)
  const parts = { subject: identity.subject, address, brokerUser: user }
  return [
    ...lines,
    `the broker sees: user ${user}, by ${result.mechanisms.join(' or ')}, ${vhosts}${tags}`,
    `its connection list: ${connectionName(parts)}`,
    `where the client has a name of its own: ${connectionName({ ...parts, clientName: CLIENT_NAME })}`,
    ...(asked?.lines ?? (config.entitlements === undefined ? [] : [NOT_ASKED])),
    ...answers(config, { identity, address, session: SESSION, user, tags: result.tags, entitlement }, questions),
    `promoted: ${user}`,
  ]
}

/** One line for each question. */
function answers(config: ServiceConfig, facts: SessionFacts, questions: readonly string[]): string[] {
  const rules = policyOf(config)?.rulesFor(facts)
  return questions.map((question) => {
    if (rules === undefined) return `may ${question}: the broker decides, as the service has no permissions`
    try {
      const { isAllowed, because } = may(rules, question)
      const hint = isAllowed ? '' : wordHint(facts.identity, question, (other) => may(rules, other).isAllowed)
      return `may ${question}: ${isAllowed ? 'allowed' : 'refused'}: ${because}${hint}`
    } catch (error) {
      if (error instanceof SyntaxError)
        throw new UsageError(`explain: ${error.message}`, { command: 'explain', cause: error })
      throw error
    }
  })
}

/** Whoever writes `ui.joe.smith.1` has not heard that variables are one word there. */
function wordHint({ subject, claims }: Identity, question: string, isAllowed: (question: string) => boolean): string {
  for (const value of [subject, ...Object.values(claims)]) {
    if (typeof value !== 'string' || value === '' || !question.includes(value)) continue
    const asWord = word(value, 'value')
    if (asWord === value) continue
    const other = question.replaceAll(value, asWord)
    return `; ${value} is one word in patterns, ${asWord}${isAllowed(other) ? `: ${other} is allowed` : ''}`
  }
  return ''
}

/** Stands for what a module would answer: it is not asked. */
const CLIENT_NAME = 'orders-ui'
const NOT_ASKED = 'entitlements: not asked, so nothing of theirs counts below; --entitlements asks'
const UNKNOWN_USER = '(whom the module names)'

const OUTCOMES = { won: 'wins: ', 'passed-over': 'passed over: ', 'not-reached': 'not reached: ' } as const

/** What is asked before any rule is. */
function requirementRefusal({ require }: ServiceConfig, identity: Identity, address: string): string | undefined {
  const { allow, deny } = require.addresses
  const isDenied = deny !== undefined && compileAddresses(deny).contain(address)
  if (isDenied || (allow && !compileAddresses(allow).contain(address))) return `clients may not come from ${address}`
  const missing = require.roles.filter((role) => !identity.roles.includes(role))
  if (missing.length === 0) return undefined
  const near = nearest(missing[0] ?? '', identity.roles)
  return `lacks the role ${missing.join(', ')}${near === undefined ? '' : ` (has ${near})`}`
}
