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
import type { CredentialInput, SecretSources } from './input.ts'
import { compileSecret, type SecretReader } from './secrets.ts'
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
      problems.push(...error.problems.map(({ path, message }) => ({ path: [name, ...path], message })))
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
  const problems: Problem[] = []
  const attempt = <T>(path: readonly string[], compile: () => T): T | undefined => {
    try {
      return compile()
    } catch (error) {
      if (!(error instanceof Error)) throw error
      problems.push({ path, message: error.message })
      return undefined
    }
  }
  const template = attempt(['username'], () => usernameTemplate(input, name))
  const secret = attempt(['password'], () => secretReader(input, sources, name === undefined))
  if (problems.length > 0 || template === undefined) throw new InvalidConfiguration(problems)
  const mechanisms: readonly SaslMechanism[] = input.mechanism === undefined ? ['PLAIN', 'AMQPLAIN'] : [input.mechanism]
  const username = (facts: VariableFacts) => {
    const value = template.render(facts, literal)
    const wrong = usernameProblem(value, input.allowLoopbackUser ?? false)
    if (wrong !== undefined) throw new PromotionRefused('bad-value', `the broker user ${wrong}`)
    return value
  }
  return {
    name,
    mechanisms,
    username,
    async build(facts) {
      const user = username(facts)
      const password = await secret?.read({ ...facts, user })
      if (password !== undefined) refuseControlBytes(password)
      return brokerCredential(user, mechanisms, password)
    },
    async check() {
      if (secret === undefined || secret.isTemplate) return
      refuseControlBytes(await secret.read(undefined))
    },
  }
}

function usernameTemplate(input: CredentialInput, name: string | undefined): Template {
  const text = input.username ?? (input.mechanism === 'EXTERNAL' ? name : undefined)
  if (text === undefined) throw new Error('expected the name of a broker user')
  if (name !== undefined) return constantUsername(text, input.allowLoopbackUser ?? false)
  const template = compileTemplate(text, ['user'])
  return template.constant === undefined
    ? template
    : constantUsername(template.constant, input.allowLoopbackUser ?? false)
}

function constantUsername(text: string, allowLoopbackUser: boolean): Template {
  const wrong = usernameProblem(text, allowLoopbackUser)
  if (wrong !== undefined) throw new Error(`the broker user ${wrong}`)
  return { constant: text, variables: [], render: () => text }
}

function secretReader(input: CredentialInput, sources: SecretSources, template: boolean): SecretReader | undefined {
  if (input.mechanism === 'EXTERNAL') {
    if (input.password !== undefined) throw new Error('EXTERNAL shows the certificate; leave the password out')
    return undefined
  }
  if (input.password === undefined) throw new Error('expected a secret: a text, { env }, { file } or { encrypted }')
  return compileSecret(input.password, sources, { template })
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
