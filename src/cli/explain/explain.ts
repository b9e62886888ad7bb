/** `gatehouse explain`: what a service would make of somebody, rule by rule, without anybody logging in. */
import { MAY_USAGE } from '../../../auth/index.ts'
import { loadConfig } from '../../config/reading/load.ts'
import { suggestion } from '../../config/reading/nearest.ts'
import { type Explained, explain as explained, NotExplainable, personOf, userText } from '../../services/explain.ts'
import type { Command } from '../command.ts'
import { EXIT, UsageError } from '../exit.ts'
import { type OfflineService, offline } from '../offline.ts'
import { needed, parseOptions } from '../options.ts'
import { say } from '../terminal.ts'
import { type AskedEntitlements, askEntitlements } from './entitlements.ts'

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

export const explainCommand: Command = {
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
    const { subject, issuer, authenticator, address = '127.0.0.1' } = values
    const roles = values.role ?? []
    const claims = Object.fromEntries((values.claim ?? []).map(readClaim))
    const asked = { subject: subject === '' ? undefined : subject, issuer, authenticator, roles, claims }
    if (asked.subject === undefined && !service.config.anonymous) needed(subject, '--subject', 'explain')
    const identity = orUsage(() => personOf(service.config, config, asked))
    const answer =
      values.entitlements === true ? await askEntitlements(service, { identity, address }, sources) : undefined
    const found = orUsage(() => explained(service, identity, address, values.may ?? [], answer?.entitlement))
    const hasEntitlements = service.config.entitlements !== undefined
    for (const line of lines(found, hasEntitlements ? (answer ?? NOT_ASKED) : undefined)) say(terminal, line)
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

function orUsage<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof NotExplainable)) throw error
    throw new UsageError(`explain: ${error.message}`, { command: 'explain', cause: error })
  }
}

function lines({ promoted, refused, ...found }: Explained, asked: AskedEntitlements | undefined): string[] {
  const { service, broker, subject, issuer, address, word, rules } = found
  const first = [
    `service ${service}, broker ${broker}`,
    `subject ${JSON.stringify(subject)} of issuer ${JSON.stringify(issuer)}, from ${address}`,
    `as a word in patterns: ${word}`,
    ...rules.map(({ index, effect, outcome, reason }) => `rule ${index + 1}, ${effect}: ${OUTCOMES[outcome]}${reason}`),
  ]
  if (promoted === null) return [...first, `refused: ${refused}`]
  if (asked?.refused !== undefined) return [...first, ...asked.lines, `refused: ${asked.refused}`]
  const vhosts = promoted.isPinned ? `vhost ${promoted.vhosts.join()}` : `one of ${promoted.vhosts.join(', ')}`
  const tags = promoted.tags.length > 0 ? `, tags ${promoted.tags.join(', ')}` : ''
  const user = userText(promoted)
  return [
    ...first,
    `the broker sees: user ${user}, by ${promoted.mechanisms.join(' or ')}, ${vhosts}${tags}`,
    `its connection list: ${promoted.connectionName}`,
    `where the client has a name of its own: ${promoted.connectionNameWithClients}`,
    ...(asked?.lines ?? []),
    ...found.may.map(({ question, allowed, because }) => `may ${question}: ${answerText(allowed)}${because}`),
    `promoted: ${user}`,
  ]
}

function answerText(isAllowed: boolean | null): string {
  return isAllowed === null ? '' : isAllowed ? 'allowed: ' : 'refused: '
}

const NOT_ASKED: AskedEntitlements = {
  lines: ['entitlements: not asked, so nothing of theirs counts below; --entitlements asks'],
  entitlement: undefined,
  refused: undefined,
}

const OUTCOMES = { won: 'wins: ', 'passed-over': 'passed over: ', 'not-reached': 'not reached: ' } as const
