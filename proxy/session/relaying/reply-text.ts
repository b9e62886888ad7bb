/**
 * RabbitMQ's error texts, as a client may read them: word for word, but for what the client has not said itself and the
 * gateway knows. RabbitMQ writes the names of users, vhosts and nodes in few forms, and those are looked for. A queue that
 * is called like the broker user was named by the client, and stays. Operators read the whole text in the log.
 *
 * The forms are those of RabbitMQ 3.10 to 4.3. Whoever guesses a whole user or vhost, and puts it into a name of their own
 * in one of these forms, sees the guess replaced: the price of hiding it in texts of releases that are still to be written.
 */
import { fitShortstr, HARD_CODES, type ReplyCode, replyText, SOFT_CODES } from '../../faults.ts'

/** What is known of one session's two sides. */
export interface KnownNames {
  /** The promoted user, never shown. The subject takes its place. */
  readonly brokerUser: string
  readonly subject: string
  /** The vhost in use, and the one that the client has asked for: another one where the service pins it. */
  readonly vhost: string
  readonly requestedVhost: string
  /** Where the broker is dialled. */
  readonly hosts: readonly string[]
}

const NAMES = new Map<number, ReplyCode>(
  Object.entries({ ...SOFT_CODES, ...HARD_CODES }).map(([name, code]) => [code, name as ReplyCode]),
)

/** The bytes of a frame, which the gateway may have written itself. */
const FRAME_BYTES = /^(?:FRAME|SYNTAX)_ERROR - cannot decode <<|^[A-Z_]+ - type \d+, (?:all|first 16) octets = <</

/** Texts that end in a term of the broker's own state. It may name anything: nodes, hosts of an auth backend, processes. */
const TERMS = [
  /^(ACCESS_REFUSED - .*, backend \S+ returned an error): .*$/s,
  /^(RESOURCE_ERROR - failed to deliver message): .*$/s,
  /^(INTERNAL_ERROR - Cannot (?:declare|delete) .* on node '[^']*'): .*$/s,
  /^(INTERNAL_ERROR - Cannot get a message from .*'): .*$/s,
  /^(INTERNAL_ERROR - Cannot query missing deliveries) from .*$/s,
]

/** Where a text names a node of the cluster, before and behind the name. */
const NODES = [/^(NOT_FOUND - home node ')[^']*(' of durable )/, /^(INTERNAL_ERROR - C.*? on node ')[^']*(')/s]
const LEADER = /^(INTERNAL_ERROR - C.* with leader on node ')[^']*(')/s

/** Codes whose texts are the broker's or an operator's alone, so that a host in them is no name of the client's. */
const NOT_ABOUT_NAMES = new Set<number>([HARD_CODES['connection-forced'], HARD_CODES['internal-error']])

/** The text a client may read for a broker's `connection.close` or `channel.close` after `open-ok`. */
export function safeReplyText(replyCode: number, text: string, known: KnownNames): string {
  if (FRAME_BYTES.test(text)) return neutral(replyCode)
  const { brokerUser, subject, vhost, requestedVhost } = known
  let safe = withoutTerm(text)
  safe = renamed(safe, "user '", brokerUser, subject)
  safe = renamed(safe, "user was '", brokerUser, subject)
  safe = renamed(safe, "vhost '", vhost, requestedVhost)
  for (const node of [...NODES, LEADER]) safe = safe.replace(node, '$1broker$2')
  if (NOT_ABOUT_NAMES.has(replyCode)) safe = withoutHosts(safe, known.hosts)
  return fitShortstr(withoutUser(safe, subject))
}

function neutral(replyCode: number): string {
  const name = NAMES.get(replyCode)
  return name === undefined ? 'closed by the broker' : replyText(name, 'closed by the broker')
}

function withoutTerm(text: string): string {
  for (const term of TERMS) if (term.test(text)) return text.replace(term, '$1')
  return text
}

/**
 * With another name where `before` and the name in quotes stand. RabbitMQ cuts texts to 255 bytes and ends them in dots, maybe
 * within the name: whatever stands there then goes, or else a client could find out the name letter by letter.
 */
function renamed(text: string, before: string, name: string, shown: string): string {
  if (name === '' || name === shown) return text
  const whole = text.replaceAll(`${before}${name}'`, () => `${before}${shown}'`)
  const at = text.lastIndexOf(before)
  const isCutWithin = text.endsWith('...') && text.length - at <= before.length + name.length + '...'.length
  return at >= 0 && isCutWithin ? `${whole.slice(0, whole.lastIndexOf(before))}${before}${shown}'` : whole
}

function withoutHosts(text: string, hosts: readonly string[]): string {
  return text.replace(/[\w.@-]+/g, (word) => (isOfHost(word, hosts) ? 'broker' : word))
}

/** A host itself, or a node on it. RabbitMQ names nodes `rabbit@` and the host's name, mostly without its domain. */
function isOfHost(word: string, hosts: readonly string[]): boolean {
  const [node = '', on] = word.split('@')
  if (on !== undefined) return node === 'rabbit' || hosts.some((host) => host === on || host.startsWith(`${on}.`))
  return hosts.some((host) => host === word || `${host}.` === word)
}

/** Where a text of one kind ends in the name of the user, and what is said behind it. */
const ENDS_IN_USER = [
  // Who lacks a right at the broker could not get it from the gateway: so the text says whose refusal it is.
  { text: /^[A-Z_]+ - (?:configure |write |read )?access to /, before: "refused for user '", behind: ' at the broker' },
  { text: /^PRECONDITION_FAILED - user_id property /, before: "authenticated user was '", behind: '' },
  { text: /^NOT_ALLOWED - (?:number of channels opened|connection refused) for /, before: "for user '", behind: '' },
  { text: /^CONNECTION_FORCED - user '.*(?:' is deleted|\.\.\.)$/s, before: "user '", behind: '' },
]

/** The subject in the place of the user, whatever the broker calls it: of a token it may read another claim than the gateway. */
function withoutUser(text: string, subject: string): string {
  const kind = ENDS_IN_USER.find((one) => one.text.test(text))
  const at = kind === undefined ? -1 : text.lastIndexOf(kind.before)
  if (kind === undefined || at < 0) return text
  const name = text.slice(at + kind.before.length)
  // A name may hold quotes itself: of one that is not known nothing stays.
  const end = name.startsWith(`${subject}'`)
    ? subject.length
    : name.search(/'(?:$| by backend |, backend | has reached |: user | is deleted$)/)
  const rest = end < 0 ? '' : name.slice(end + 1)
  return `${text.slice(0, at)}${kind.before}${subject}'${kind.behind}${rest}`
}
