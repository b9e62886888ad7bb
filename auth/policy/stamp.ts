/** A service's `stamp`, and what it comes to for one identity. What does not fit is refused at login, never shortened. */
import type { Stamps } from '../../proxy/index.ts'
import { InvalidConfiguration, type Mistake, PromotionRefused } from '../errors.ts'
import { compileTemplate, plain, type Template, type VariableFacts } from '../promotion/conditions/variables.ts'

/** The shape of `stamp` in the configuration. */
export interface StampInput {
  /** The broker user, the subject (whose broker user needs the tag `impersonator`), or none. */
  readonly userId: 'broker' | 'subject' | 'remove'
  readonly appId?: string | undefined
  readonly timestamp?: boolean | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Longest `user-id` and `app-id`. [AMQP §4.2.5.3] */
const PROPERTY_MAX_BYTES = 255

export class StampPolicy {
  readonly #input: StampInput
  readonly #appId: Template | undefined
  readonly #headers: readonly (readonly [name: string, value: Template])[]

  /** @throws InvalidConfiguration with every mistake, their paths below `stamp` */
  constructor(input: StampInput) {
    const problems: Mistake[] = []
    const compile = (text: string, path: readonly string[]): Template | undefined => {
      try {
        return compileTemplate(text)
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error
        problems.push({ path, message: error.message })
        return undefined
      }
    }
    this.#input = input
    this.#appId = input.appId === undefined ? undefined : compile(input.appId, ['appId'])
    this.#headers = Object.entries(input.headers ?? {}).flatMap(([name, text]) => {
      const value = compile(text, ['headers', name])
      return value === undefined ? [] : [[name, value] as const]
    })
    if (problems.length > 0) throw new InvalidConfiguration(problems)
  }

  /** @throws PromotionRefused 'bad-value' where a value is missing, too long, or has control characters */
  stampsFor(facts: VariableFacts & { readonly user: string }): Stamps {
    const { userId, timestamp } = this.#input
    return {
      userId: userId === 'remove' ? '' : property('user-id', userId === 'broker' ? facts.user : facts.identity.subject),
      appId: this.#appId === undefined ? undefined : property('app-id', render(this.#appId, facts)),
      timestamp: timestamp === true ? () => Math.floor(Date.now() / 1000) : undefined,
      headers: this.#headers.map(([name, value]) => [name, render(value, facts)] as const),
    }
  }
}

function render(template: Template, facts: VariableFacts): string {
  return template.constant ?? template.render(facts, plain)
}

function property(name: string, value: string): string {
  const text = plain(value, name)
  if (text === '') throw new PromotionRefused('bad-value', `${name} would be empty`)
  if (Buffer.byteLength(text) <= PROPERTY_MAX_BYTES) return text
  throw new PromotionRefused('bad-value', `${name} would be longer than ${PROPERTY_MAX_BYTES} bytes`)
}
