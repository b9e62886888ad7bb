/**
 * Answers questions about a policy, for its author: "may a trader bind `quotes.#`?" The rules answer, without a session or a
 * broker, and the answer names the rule.
 *
 *   publish KEY [on EXCHANGE]              bind KEY [on EXCHANGE] [to QUEUE]        forward KEY from EXCHANGE to EXCHANGE
 *   consume | get | purge QUEUE            declare | delete | ask  queue | exchange  NAME
 *
 * Without EXCHANGE any exchange will do that a rule speaks of. Words may be quoted; `""` is the empty name.
 */
import type { Grant } from './grants.ts'
import type { Rules } from './permissions.ts'

export interface MayAnswer {
  readonly isAllowed: boolean
  /** The rules that allow it, or what is lacking. */
  readonly because: string
}

/** One thing that is needed, and the rule that grants it. */
interface Asked {
  readonly what: string
  readonly grant: Grant | undefined
}

type Answering = (rules: Rules, words: readonly string[]) => readonly Asked[] | undefined

const QUESTIONS: Readonly<Record<string, Answering>> = {
  publish: (rules, words) => {
    const { 0: key, on } = clauses(words, ['on'])
    if (key === undefined) return undefined
    // No queue has an empty name: such a message goes nowhere.
    if (on === '') return key === '' ? [] : [queue(rules, 'write', key)]
    return [exchange(rules, 'write', on, key, (grant) => grant.topic.matches(key))]
  },
  bind: (rules, words) => {
    const { 0: key, on, to } = clauses(words, ['on', 'to'])
    if (key === undefined) return undefined
    const source = exchange(rules, 'read', on, key, (grant) => grant.topic.contains(key))
    return to === undefined ? [source] : [queue(rules, 'write', to), source]
  },
  forward: (rules, words) => {
    const { 0: key, from, to } = clauses(words, ['from', 'to'])
    if (key === undefined || from === undefined || to === undefined) return undefined
    // No binding holds back the keys that a message brings along: the destination may get every one.
    const every = (grant: Grant): boolean => grant.topic.contains('#')
    const some = (grant: Grant): boolean => grant.topic.contains(key)
    return [exchange(rules, 'write', to, '#', every), exchange(rules, 'read', from, key, some)]
  },
  consume: (rules, [name, ...rest]) =>
    name === undefined || rest.length > 0 ? undefined : [queue(rules, 'read', name)],
  get: (rules, words) => QUESTIONS['consume']?.(rules, words),
  purge: (rules, words) => QUESTIONS['consume']?.(rules, words),
  declare: (rules, [kind, name, ...rest]) => {
    if (!isKind(kind) || name === undefined || rest.length > 0) return undefined
    if (kind === 'queue' && name === '') return [{ what: 'configure on server-named queues', grant: rules.serverNamed }]
    return [{ what: `configure on ${kind} ${quote(name)}`, grant: rules.named('configure', kind, name) }]
  },
  delete: (rules, words) => QUESTIONS['declare']?.(rules, words),
  ask: (rules, [kind, name, ...rest]) => {
    if (!isKind(kind) || name === undefined || rest.length > 0) return undefined
    const grant = rules.grants.find((candidate) => candidate.kind === kind && candidate.matchesName(name))
    return [{ what: `any permission on ${kind} ${quote(name)}`, grant }]
  },
}
// The same questions of the other side.
const SAME: Readonly<Record<string, string>> = { unbind: 'bind' }

export const MAY_USAGE = `publish KEY [on EXCHANGE]
bind KEY [on EXCHANGE] [to QUEUE]
forward KEY from EXCHANGE to EXCHANGE
consume QUEUE, get QUEUE, purge QUEUE
declare queue NAME, delete queue NAME, ask queue NAME (and the same with exchange)`

/** @throws SyntaxError for what is no question */
export function may(rules: Rules, question: string): MayAnswer {
  const [verb = '', ...words] = wordsOf(question)
  const asked = QUESTIONS[SAME[verb] ?? verb]?.(rules, words)
  if (asked === undefined) throw new SyntaxError(`no question: ${quote(question)}; ask one of\n${MAY_USAGE}`)
  if (asked.length === 0) return { isAllowed: true, because: 'nothing is needed' }
  const lacking = asked.filter(({ grant }) => grant === undefined)
  if (lacking.length > 0) {
    return {
      isAllowed: false,
      because: `no rule grants ${lacking.map(({ what }) => what).join(', nor ')}${hint(rules)}`,
    }
  }
  return { isAllowed: true, because: asked.map(({ what, grant }) => `${what} by ${grant?.place}`).join(', ') }
}

function hint({ unusable }: Rules): string {
  const [first] = unusable
  return first === undefined ? '' : ` (${first.place} grants nothing: ${first.unusable})`
}

function queue(rules: Rules, list: 'write' | 'read', name: string): Asked {
  return { what: `${list} on queue ${quote(name)}`, grant: rules.named(list, 'queue', name) }
}

function exchange(
  rules: Rules,
  list: 'write' | 'read',
  name: string | undefined,
  key: string,
  fits: (grant: Grant) => boolean,
): Asked {
  const grant = rules.grants.find(
    (candidate) =>
      candidate.list === list &&
      candidate.kind === 'exchange' &&
      (name === undefined || candidate.matchesName(name)) &&
      fits(candidate),
  )
  const where =
    name === undefined
      ? grant === undefined
        ? 'any exchange'
        : `exchange ${quote(grant.pattern)}`
      : `exchange ${quote(name)}`
  return { what: `${list} on ${where} for ${quote(key)}`, grant }
}

function isKind(word: string | undefined): word is 'queue' | 'exchange' {
  return word === 'queue' || word === 'exchange'
}

/** The first word, and those behind the given prepositions; an empty result where there is anything else. */
function clauses<P extends string>(
  words: readonly string[],
  prepositions: readonly P[],
): { readonly [K in P | 0]?: string } {
  const [first, ...rest] = words
  const found: { [K in P | 0]?: string } = {}
  if (first !== undefined) Object.assign(found, { 0: first })
  for (let at = 0; at < rest.length; at += 2) {
    const preposition = prepositions.find((candidate) => candidate === rest[at])
    const word = rest[at + 1]
    if (preposition === undefined || word === undefined) return {}
    Object.assign(found, { [preposition]: word })
  }
  return found
}

/** Words between spaces; quotes keep spaces, and make empty words. */
function wordsOf(question: string): string[] {
  return [...question.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  )
}

function quote(text: string): string {
  return JSON.stringify(text)
}
