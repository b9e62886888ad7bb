/**
 * What the broker is shown: a named credential of the configuration, or a rule's template filled in for one identity.
 *
 *   PLAIN     NUL user NUL password                                     [RFC 4616 §2]
 *   AMQPLAIN  LOGIN S length user, PASSWORD S length password           a field table without its length [AMQP §4.2.5.5]
 *   EXTERNAL  nothing: the broker looks at the connection's certificate [RFC 4422 appendix A]
 *
 * Everything is validated before it leaves: a NUL would end the user's name on the broker's side.
 */
import type { BrokerCredential, SaslMechanism } from '../../proxy/index.ts'
import { InvalidConfiguration, type Problem, PromotionRefused } from '../errors.ts'
import type { Secret } from '../secret.ts'
import type { CredentialInput, PasswordCredentialInput, SecretSources } from './input.ts'
import { compileSecret } from './secrets.ts'
import {
  compileTemplate,
  hasControlCharacter,
  hasLoneSurrogate,
  literal,
  type Template,
  type VariableFacts,
} from './variables.ts'

/** RabbitMQ's user that may log in from the broker's own machine only, where a gateway often runs. */
const LOOPBACK_USER = 'guest'
const MAX_USERNAME_BYTES = 255

/** One compiled credential. */
export interface Credential {
  /** Its key in the broker's `credentials`; absent for a rule's own template. */
  readonly name: string | undefined
  readonly mechanisms: readonly SaslMechanism[]
  /** The broker user. @throws PromotionRefused 'bad-value' */
  username(facts: VariableFacts): string
  /** Reads the secret. @throws PromotionRefused */
  build(facts: VariableFacts): Promise<BrokerCredential>
  /** Reads the secret if that needs no identity, for a check at start. @throws PromotionRefused */
  check(): Promise<void>
}

/** A broker's named credentials. */
export type Credentials = ReadonlyMap<string, Credential>

/** @throws InvalidConfiguration with every mistake, their paths below `input` */
export function compileCredentials(
  input: Readonly<Record<string, CredentialInput>>,
  sources: SecretSources,
): Credentials {
  const problems: Problem[] = []
  const credentials = new Map<string, Credential>()
  for (const [name, entry] of Object.entries(input)) {
    try {
      credentials.set(name, compileCredential(entry, sources, { name }))
    } catch (error) {
      if (!(error instanceof InvalidConfiguration)) throw error
      problems.push(...error.under(name).problems)
    }
  }
  if (problems.length > 0) throw new InvalidConfiguration(problems)
  return credentials
}

/** Reads every secret once: what `check` and the start of the gateway want to know. Paths begin with the credential's name. */
export async function checkCredentials(credentials: Credentials): Promise<readonly Problem[]> {
  const found = await Promise.all(
    [...credentials].map(async ([name, credential]) => await problemOf(credential, [name])),
  )
  return found.flat()
}

/** The problem that reading a credential's secret meets, if it can be read without an identity. */
export async function problemOf(
  credential: Credential,
  path: readonly (string | number)[],
): Promise<readonly Problem[]> {
  try {
    await credential.check()
    return []
  } catch (error) {
    if (!(error instanceof PromotionRefused)) throw error
    return [{ path: [...path, 'password'], message: error.message }]
  }
}

/**
 * Compiles one credential; with a `name` its values are constant, without one they are templates.
 * @throws InvalidConfiguration with every mistake
 */
export function compileCredential(
  input: CredentialInput,
  sources: SecretSources,
  { name }: { readonly name?: string } = {},
): Credential {
  switch (input.kind) {
    case undefined:
    case 'password':
      return password(input, sources, name)
    case 'external':
      return external(input.username ?? name, name)
    default: {
      const message = `this version shows brokers a password or a certificate, not "${input.kind}"`
      throw new InvalidConfiguration([{ path: [], message }])
    }
  }
}

function external(username: string | undefined, name: string | undefined): Credential {
  const user = username ?? ''
  const wrong = usernameProblem(user, true)
  if (wrong !== undefined) throw new InvalidConfiguration([{ path: ['username'], message: `the broker user ${wrong}` }])
  const mechanisms = ['EXTERNAL'] as const
  return {
    name,
    mechanisms,
    username: () => user,
    build: async () => brokerCredential(user, mechanisms, undefined),
    check: async () => undefined,
  }
}

function password(input: PasswordCredentialInput, sources: SecretSources, name: string | undefined): Credential {
  const problems: Problem[] = []
  const isTemplate = name === undefined
  const allowLoopbackUser = input.allowLoopbackUser ?? false
  const template = attempt(['username'], problems, () =>
    usernameTemplate(input.username, isTemplate, allowLoopbackUser),
  )
  const secret = attempt(['password'], problems, () => compileSecret(input.password, sources, { template: isTemplate }))
  if (template === undefined || secret === undefined) throw new InvalidConfiguration(problems)
  const mechanisms: readonly SaslMechanism[] = input.mechanism === undefined ? ['PLAIN', 'AMQPLAIN'] : [input.mechanism]
  const username = (facts: VariableFacts) => {
    const value = template.render(facts, literal)
    const wrong = usernameProblem(value, allowLoopbackUser)
    if (wrong !== undefined) throw new PromotionRefused('bad-value', `the broker user ${wrong}`)
    return value
  }
  const read = async (facts: VariableFacts | undefined): Promise<Secret> => {
    const found = await secret.read(facts)
    refuseControlBytes(found)
    return found
  }
  return {
    name,
    mechanisms,
    username,
    async build(facts) {
      const user = username(facts)
      return brokerCredential(user, mechanisms, await read({ ...facts, user }))
    },
    async check() {
      if (!secret.isTemplate) await read(undefined)
    },
  }
}

function attempt<T>(path: readonly string[], problems: Problem[], compile: () => T): T | undefined {
  try {
    return compile()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    problems.push({ path, message: error.message })
    return undefined
  }
}

function usernameTemplate(text: string, isTemplate: boolean, allowLoopbackUser: boolean): Template {
  const template = isTemplate ? compileTemplate(text, ['user']) : undefined
  if (template !== undefined && template.constant === undefined) return template
  const constant = template?.constant ?? text
  const wrong = usernameProblem(constant, allowLoopbackUser)
  if (wrong !== undefined) throw new Error(`the broker user ${wrong}`)
  return { constant, variables: [], render: () => constant }
}

/** What is wrong with a broker user's name, if anything. */
function usernameProblem(name: string, allowLoopbackUser: boolean): string | undefined {
  if (name === '') return 'is an empty text'
  if (name.includes('\0')) return 'holds a NUL character'
  if (hasControlCharacter(name)) return 'holds control characters'
  if (hasLoneSurrogate(name)) return 'holds half a character'
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_USERNAME_BYTES) return `has ${bytes} bytes, at most ${MAX_USERNAME_BYTES} are allowed`
  if (name === LOOPBACK_USER && !allowLoopbackUser) {
    return `is "${LOOPBACK_USER}", whom RabbitMQ trusts for being on its own machine; use another, or say allowLoopbackUser: true`
  }
  return undefined
}

function refuseControlBytes(secret: Secret): void {
  const bytes = secret.reveal()
  const found = bytes.find((byte) => byte < 0x20 || byte === 0x7f)
  bytes.fill(0)
  if (found === undefined) return
  const what = found === 0 ? 'a NUL character' : 'a control character (a line break perhaps)'
  throw new PromotionRefused('secret-unavailable', `the secret holds ${what}`)
}

function brokerCredential(
  username: string,
  mechanisms: readonly SaslMechanism[],
  password: Secret | undefined,
): BrokerCredential {
  return {
    username,
    mechanisms,
    response(mechanism) {
      if (!mechanisms.includes(mechanism)) throw new RangeError(`this credential does not answer ${mechanism}`)
      if (password === undefined) return Buffer.alloc(0)
      const user = Buffer.from(username)
      const secret = password.reveal()
      const parts =
        mechanism === 'PLAIN'
          ? [Buffer.alloc(1), user, Buffer.alloc(1), secret]
          : [tableKey('LOGIN', user.length), user, tableKey('PASSWORD', secret.length), secret]
      const response = joined(parts)
      secret.fill(0)
      return response
    },
  }
}

/** Key, type `S` and length of one long string in a field table. [AMQP §4.2.5.5] */
function tableKey(key: string, valueBytes: number): Buffer {
  const head = Buffer.alloc(1 + key.length + 1 + 4)
  head.writeUInt8(key.length, 0)
  head.write(`${key}S`, 1, 'latin1')
  head.writeUInt32BE(valueBytes, 2 + key.length)
  return head
}

/** Unlike `Buffer.concat`, never in the shared pool. */
function joined(parts: readonly Buffer[]): Buffer {
  const whole = Buffer.alloc(parts.reduce((bytes, part) => bytes + part.length, 0))
  let offset = 0
  for (const part of parts) offset += part.copy(whole, offset)
  return whole
}
