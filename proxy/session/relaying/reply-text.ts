/**
 * What a broker says when it closes, made fit for a client: RabbitMQ names the authenticated broker user, cluster nodes
 * and even quotes frame bytes in its reply texts. The client reads its own name, or a neutral text; operators read all.
 */
import { fitShortstr, HARD_CODES, type ReplyCode, replyText, SOFT_CODES } from '../../faults.ts'

const NAMES = new Map<number, ReplyCode>(
  Object.entries({ ...SOFT_CODES, ...HARD_CODES }).map(([name, code]) => [code, name as ReplyCode]),
)

/** Codes whose broker texts speak of names the client used itself, and are worth keeping. */
const KEPT = new Set<number>([311, 312, 313, 403, 404, 405, 406])

/**
 * The text a client may read for a broker's `connection.close` or `channel.close`.
 * @param brokerUser the promoted user, never shown; `subject` takes its place where the text speaks of it
 */
export function safeReplyText(replyCode: number, text: string, brokerUser: string, subject: string): string {
  const own = text.replaceAll(`user '${brokerUser}'`, `user '${subject}'`)
  if (KEPT.has(replyCode) && !revealing(own, brokerUser, subject)) return fitShortstr(own)
  const name = NAMES.get(replyCode)
  return name === undefined ? 'closed by the broker' : replyText(name, 'closed by the broker')
}

function revealing(text: string, brokerUser: string, subject: string): boolean {
  const withoutOwn = text.replaceAll(`user '${subject}'`, '')
  if (brokerUser !== '' && withoutOwn.includes(`'${brokerUser}'`)) return true
  // Erlang binaries (`<<…>>`), node names (`'rabbit@host'`) and other users.
  return (
    withoutOwn.includes('<<') ||
    /[\w-]@[\w-]/.test(withoutOwn) ||
    /\buser '/.test(withoutOwn) ||
    /\p{Cc}/u.test(withoutOwn)
  )
}
