/**
 * Whether a broker grants a user what the gateway lets through, one name for each rule: asked with methods that change
 * nothing, or read from the permissions that the management API shows.
 */
import type { BrokerName, BrokerRights } from '../../../auth/index.ts'
import type { Inquiry, Refused } from '../../../proxy/index.ts'

export interface Findings {
  readonly missing: readonly string[]
  /** What could not be asked, each with the reason. */
  readonly notAsked: readonly string[]
}

const ACCESS_REFUSED = 403
/** Every vhost has it, and a second one for questions about the first. */
const SOURCES = ['amq.direct', 'amq.fanout'] as const
const DEFAULT_EXCHANGE = 'write on the default exchange (amq.default)'

type Questions = Pick<Inquiry, 'exists' | 'unbind' | 'deleteInvented' | 'getInvented' | 'publishInvented'>

/** Asks the broker itself. `invented` is a name that nothing has; it is part of the names that were made up. */
export class RightsProbe {
  readonly #inquiry: Questions
  readonly #invented: string
  readonly #names: readonly BrokerName[]
  readonly #missing: string[] = []
  readonly #notAsked: string[] = []
  /** Something that may be written, for questions about what is read. */
  #writable: { readonly queue: string } | { readonly exchange: string } | undefined

  constructor(inquiry: Questions, names: readonly BrokerName[], invented: string) {
    this.#inquiry = inquiry
    this.#names = names
    this.#invented = invented
  }

  async run(needsDefaultExchange: boolean): Promise<Findings> {
    if (needsDefaultExchange && isRefused(await this.#inquiry.publishInvented(this.#invented)))
      this.#missing.push(DEFAULT_EXCHANGE)
    for (const name of this.#names) if (name.list === 'write') await this.#write(name)
    for (const name of this.#names) if (name.list === 'read') await this.#read(name)
    for (const name of this.#names) if (name.list === 'configure') await this.#configure(name)
    await this.#exist()
    return { missing: this.#missing, notAsked: this.#notAsked }
  }

  async #write(wanted: BrokerName): Promise<void> {
    const { kind, name } = wanted
    const destination = kind === 'queue' ? { queue: name } : { exchange: name }
    const refused = await this.#inquiry.unbind(destination, otherThan(name), this.#invented)
    if (isRefused(refused) && refused.text.includes(`${kind} '${name}'`)) this.#missing.push(textOf(wanted))
    else this.#writable ??= destination
  }

  async #read(wanted: BrokerName): Promise<void> {
    const { kind, name, isInvented } = wanted
    if (kind === 'queue') {
      if (!isInvented) this.#notAsked.push(`${textOf(wanted)}: asking would take a message`)
      else if (isRefused(await this.#inquiry.getInvented(name))) this.#missing.push(textOf(wanted))
    } else if (this.#writable === undefined) {
      this.#notAsked.push(`${textOf(wanted)}: only who may write something can be asked`)
    } else if (isRefused(await this.#inquiry.unbind(this.#writable, name, this.#invented))) {
      this.#missing.push(textOf(wanted))
    }
  }

  async #configure(wanted: BrokerName): Promise<void> {
    const { kind, name, isInvented } = wanted
    if (!isInvented) this.#notAsked.push(`${textOf(wanted)}: asking would change it`)
    else if (isRefused(await this.#inquiry.deleteInvented(kind, name))) this.#missing.push(textOf(wanted))
  }

  /** What nobody here may declare has to be there. */
  async #exist(): Promise<void> {
    const declared = new Set(this.#names.flatMap((name) => (name.list === 'configure' ? [keyOf(name)] : [])))
    const used = this.#names.filter(
      (name) => name.list !== 'configure' && !name.isInvented && !declared.has(keyOf(name)),
    )
    for (const key of new Set(used.map(keyOf))) {
      const [wanted] = used.filter((name) => keyOf(name) === key)
      if (wanted !== undefined && !(await this.#inquiry.exists(wanted.kind, wanted.name)))
        this.#missing.push(`${key}: it is not there`)
    }
  }
}

/** What expressions leave out; nobody is asked. */
export function missingIn(rights: BrokerRights, names: readonly BrokerName[], needsDefaultExchange: boolean): Findings {
  const missing: string[] = []
  const notAsked: string[] = []
  const judge = (list: BrokerName['list'], name: string, text: string) => {
    const grants = granted(rights[list], name)
    if (grants === undefined) notAsked.push(`${text}: the expression ${JSON.stringify(rights[list])} is not known here`)
    else if (!grants) missing.push(text)
  }
  if (needsDefaultExchange) judge('write', 'amq.default', DEFAULT_EXCHANGE)
  for (const wanted of names) judge(wanted.list, wanted.name, textOf(wanted))
  return { missing, notAsked }
}

/** As RabbitMQ does it: bytes, searched. Undefined where the expression is none of JavaScript's. */
function granted(expression: string, name: string): boolean | undefined {
  const bytes = (text: string) => Buffer.from(text).toString('latin1')
  try {
    return new RegExp(expression === '' ? '^$' : bytes(expression), 's').test(bytes(name))
  } catch {
    return undefined
  }
}

function isRefused(refused: Refused | undefined): refused is Refused {
  return refused?.code === ACCESS_REFUSED
}

function otherThan(name: string): string {
  return SOURCES.find((source) => source !== name) ?? SOURCES[0]
}

function keyOf({ kind, name }: BrokerName): string {
  return `${kind} ${JSON.stringify(name)}`
}

function textOf(name: BrokerName): string {
  return `${name.list} on ${keyOf(name)}`
}
