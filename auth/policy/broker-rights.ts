/**
 * The rights that a broker user needs so that the broker refuses nothing which a policy grants: permissions as RabbitMQ has
 * them, three regular expressions over names. They cover everybody who becomes that user, so they are wider than what one
 * person may do. The gateway decides that.
 *
 * RabbitMQ searches the bytes of a name with the expression, which is therefore anchored. It has names for what the protocol
 * leaves nameless: publishing to the default exchange needs *write* on `amq.default`, and queues that the broker names begin
 * with `amq.gen-`.
 */
import { PromotionRefused } from '../errors.ts'
import { compileTemplate, word } from '../promotion/conditions/variables.ts'
import type { GrantList } from './grants.ts'
import type { GrantInput, PermissionInput } from './input.ts'

/** The arguments of `set_permissions`. */
export type BrokerRights = Readonly<Record<GrantList, string>>

export const ALL_RIGHTS: BrokerRights = { configure: '.*', write: '.*', read: '.*' }

/** PCRE takes no expression that is much longer, and the broker compiles it for every check. */
const LONGEST = 16 * 1024

/** Whatever a variable may become as a word of a pattern. */
const ANY_WORD = '[A-Za-z0-9_%-]+'
/** One character in UTF-8. [RFC 3629 §3] */
const ANY_CHARACTER = '(?:[\\x00-\\x7f]|[\\xc0-\\xff][\\x80-\\xbf]+)'
export const SERVER_NAMED_PREFIX = 'amq.gen-'
const SERVER_NAMED = 'amq\\.gen-.*'
const DEFAULT_EXCHANGE = 'amq\\.default'

/** An entry of `permissions`, whomever it is for. */
export type Lists = Pick<PermissionInput, GrantList>

/** @param brokerUser for `${user}`; undefined where it differs from person to person */
export function brokerRights(entries: readonly Lists[], brokerUser: string | undefined): BrokerRights {
  const all = (list: GrantList) => entries.flatMap((entry) => entry[list].flatMap((grant) => name(grant, brokerUser)))
  const names = entries.some(({ configure }) => configure.some(isServerNamed)) ? [SERVER_NAMED] : []
  // Whoever reads a queue may answer to the direct reply address in a message, which is published to that exchange, too.
  const usesQueues = entries.some(({ write, read }) => [...write, ...read].some((grant) => 'queue' in grant))
  const direct = usesQueues || names.length > 0 ? [DEFAULT_EXCHANGE] : []
  return {
    configure: anyOf([...all('configure'), ...names]),
    write: anyOf([...all('write'), ...names, ...direct]),
    read: anyOf([...all('read'), ...names]),
  }
}

function isServerNamed(grant: GrantInput): boolean {
  return 'queue' in grant && grant.queue === ''
}

function name(grant: GrantInput, brokerUser: string | undefined): string[] {
  const pattern = 'queue' in grant ? grant.queue : grant.exchange
  if (pattern === '') return []
  const user = wordOf(brokerUser)
  const parts = compileTemplate(pattern).parts.map(({ variable, text }) => {
    if (!variable) return ofGlob(text)
    return text === 'user' && user !== undefined ? literally(user) : ANY_WORD
  })
  return [parts.join('')]
}

/** A broker user that cannot be a word has no such rule. */
export function wordOf(brokerUser: string | undefined): string | undefined {
  if (brokerUser === undefined) return undefined
  try {
    return word(brokerUser, 'user')
  } catch (error) {
    if (error instanceof PromotionRefused) return undefined
    throw error
  }
}

function ofGlob(text: string): string {
  return [...text].map((character) => GLOB[character] ?? literally(character)).join('')
}
const GLOB: Readonly<Record<string, string>> = { '*': '.*', '?': ANY_CHARACTER }

function literally(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&')
}

/** RabbitMQ reads an empty text as "nothing". */
function anyOf(names: readonly string[]): string {
  const different = [...new Set(names)].sort()
  if (different.length === 0) return ''
  const expression = `^(?:${different.join('|')})$`
  return different.includes('.*') || expression.length > LONGEST ? '.*' : expression
}
