/**
 * The rules of a policy, compiled: once for everybody where no variable occurs in them, else once for each identity.
 *
 * A variable enters a pattern as one word, encoded so that it holds neither separator nor wildcard; a rule whose variable
 * has no value that could be a word grants nothing.
 */
import { type Mistake, PromotionRefused } from '../errors.ts'
import { compileTemplate, type Template, type VariableFacts, word } from '../promotion/conditions/variables.ts'
import type { GrantInput } from './input.ts'
import { nameGlob } from './name-glob.ts'
import { type TopicPattern, topicPattern } from './topic.ts'

export type GrantList = 'configure' | 'write' | 'read'

/** A rule for one identity. */
export interface Grant {
  readonly list: GrantList
  /** Its place in the configuration, `permissions[1].read[0]`, or in the answer of an entitlement service. */
  readonly place: string
  readonly kind: 'queue' | 'exchange'
  /** The name pattern, variables filled in; '' for queues that the broker names. */
  readonly pattern: string
  matchesName(name: string): boolean
  /** For exchanges; `#` where none was given. */
  readonly topic: TopicPattern
}

/** A rule as written. */
export interface GrantTemplate {
  readonly place: string
  /** The rule, where it is the same for everybody. */
  readonly constant?: Grant
  /** The rule for this identity, or why it grants nothing. */
  render(facts: VariableFacts): Grant | { readonly place: string; readonly unusable: string }
}

const EVERY_KEY = topicPattern('#')

/** Where a list of rules stands: below what is compiled, and as explanations name it. */
export interface GrantsPlace {
  readonly path: Mistake['path']
  readonly text: string
}

export function compileGrants(
  { path: place, text }: GrantsPlace,
  list: GrantList,
  inputs: readonly GrantInput[],
  problems: Mistake[],
): GrantTemplate[] {
  return inputs.flatMap((input, index) => {
    const path = [...place, index]
    try {
      return [compileGrant(list, input, `${text}[${index}]`)]
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error
      problems.push({ path, message: error.message })
      return []
    }
  })
}

function compileGrant(list: GrantList, input: GrantInput, place: string): GrantTemplate {
  if ('queue' in input) {
    if (input.queue === '' && list !== 'configure')
      throw new SyntaxError('queues named by the broker are granted under `configure`')
    return template(
      compileTemplate(input.queue),
      undefined,
      (pattern) => {
        return { list, place, kind: 'queue', pattern, matchesName: nameGlob(pattern), topic: EVERY_KEY }
      },
      place,
    )
  }
  if (input.exchange === '')
    throw new SyntaxError('the default exchange is granted by the queues that keys name: { queue: NAME }')
  const { routingKey } = input
  if (routingKey !== undefined && routingKey !== '#' && list === 'configure')
    throw new SyntaxError('`configure` knows no routing keys')
  const key = routingKey === undefined ? undefined : compileTemplate(routingKey)
  return template(
    compileTemplate(input.exchange),
    key,
    (pattern, topic) => {
      return { list, place, kind: 'exchange', pattern, matchesName: nameGlob(pattern), topic }
    },
    place,
  )
}

type Build = (pattern: string, topic: TopicPattern) => Grant

function template(name: Template, key: Template | undefined, build: Build, place: string): GrantTemplate {
  if (name.constant !== undefined && (key === undefined || key.constant !== undefined)) {
    const grant = build(name.constant, key?.constant === undefined ? EVERY_KEY : topicPattern(key.constant))
    return { place, constant: grant, render: () => grant }
  }
  return {
    place,
    render(facts) {
      try {
        const topic = key === undefined ? EVERY_KEY : topicPattern(key.render(facts, word))
        return build(name.render(facts, word), topic)
      } catch (error) {
        if (error instanceof PromotionRefused || error instanceof RangeError) return { place, unusable: error.message }
        throw error
      }
    },
  }
}
