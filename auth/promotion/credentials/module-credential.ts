/**
 * A credential that a module of the operator's own decides on: `export default async (identity, context) => credential`.
 * What it answers is checked as if a stranger had written it, it has a deadline, and its answers are kept for a while,
 * for exactly what it was asked: a claim that means nothing to the gateway (`auth_time`, `sid`) may decide for a module.
 */
import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import { within } from '../../deadline.ts'
import { PromotionRefused } from '../../errors.ts'
import { type KeptAnswer, KeptAnswers } from '../../kept-answers.ts'
import { Secret } from '../../secret.ts'
import { deepFreeze } from '../../strategies/claims.ts'
import type { VariableFacts } from '../conditions/variables.ts'
import type { ModuleCredentialInput, SecretSources } from '../input.ts'
import { brokerCredential, type PromotedCredential, refuseControlBytes, usernameProblem } from './broker-credential.ts'
import type { Credential, CredentialPlace } from './credential.ts'
import { PASSWORD_MECHANISMS } from './password-credential.ts'

/** Identities whose answers are kept at once. */
const KEPT_COUNT = 10_000
const MAX_SECRET_BYTES = 32_768
/** Part of a credential's life after which the module is asked for the next one. */
const DUE_RATIO = 0.75

/** What a module is told beside the identity. */
export interface ModuleContext {
  /** The broker's key in the configuration. */
  readonly broker: string
  readonly options: Readonly<Record<string, unknown>>
  /** The client's address, after trusted proxies. */
  readonly address: string
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** The user's own access token, where the authenticator has one. */
  accessToken(): string | undefined
}

type Answer = { readonly username: string; readonly password: Secret; readonly expiresAtMs: number | undefined }
type Ask = (identity: object, context: ModuleContext) => unknown

/** Everything about a client that a module is told, and so everything that its answer may hang on. */
interface Question {
  /** A copy, frozen, without the token. */
  readonly identity: object
  readonly address: string
  readonly accessToken: Secret | undefined
}

export function moduleCredential(
  input: ModuleCredentialInput,
  sources: SecretSources,
  { name, broker }: CredentialPlace,
): Credential {
  let loading: Promise<Ask> | undefined
  const load = (): Promise<Ask> => {
    loading ??= loaded(input.module, sources).catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
  const kept = new KeptAnswers<Answer>(KEPT_COUNT, input.cache)

  const ask = async ({ identity, address, accessToken: token }: Question): Promise<KeptAnswer<Answer>> => {
    const abort = new AbortController()
    const { options = {} } = input
    const accessToken = () => token?.reveal().toString()
    try {
      const work = load().then(async (module) =>
        module(identity, { broker, options, address, signal: abort.signal, accessToken }),
      )
      const value = answerOf(await within(input.timeout, 'the module', work))
      return { value, expiresAtMs: value.expiresAtMs }
    } catch (error) {
      if (error instanceof PromotionRefused) throw error
      throw unavailable(`failed: ${error instanceof Error ? error.message : 'unknown failure'}`, error)
    } finally {
      abort.abort()
    }
  }

  const made = ({ username, password, expiresAtMs }: Answer, question: Question): PromotedCredential => {
    const base = { username, mechanisms: PASSWORD_MECHANISMS, password }
    if (expiresAtMs === undefined) return brokerCredential(base)
    const nowMs = Date.now()
    const dueAtMs = nowMs + (expiresAtMs - nowMs) * DUE_RATIO
    const next = async () => made((await ask(question)).value, question)
    // A fresh proof is a new question: the broker goes on with its answer, and so with the proof that can still be asked about.
    return brokerCredential({ ...base, isPassedOn: true, renewal: { dueAtMs, expiresAtMs, next } })
  }

  function unavailable(detail: string, cause?: unknown): PromotionRefused {
    return new PromotionRefused('secret-unavailable', `the module ${input.module} ${detail}`, { cause })
  }

  function answerOf(answer: unknown): Answer {
    if (answer === undefined || answer === null)
      throw new PromotionRefused('bad-value', `the module ${input.module} has no credential for this identity`)
    if (typeof answer !== 'object') throw unavailable('answers with no object')
    const { username, password, expiresAt } = answer as Readonly<Record<string, unknown>>
    if (typeof username !== 'string') throw unavailable('answers without a text `username`')
    const wrong = usernameProblem(username, false)
    if (wrong !== undefined)
      throw new PromotionRefused('bad-value', `the broker user of module ${input.module} ${wrong}`)
    if (typeof password !== 'string' && !(password instanceof Uint8Array))
      throw unavailable('answers without a `password`')
    const secret = new Secret(password)
    if (secret.byteLength === 0 || secret.byteLength > MAX_SECRET_BYTES)
      throw unavailable(`answers with a password of ${secret.byteLength} bytes; expected 1 to ${MAX_SECRET_BYTES}`)
    refuseControlBytes(secret)
    const expiresAtMs = expiresAt === undefined ? undefined : Number(expiresAt)
    if (expiresAtMs !== undefined && !(expiresAtMs > Date.now()))
      throw unavailable('answers with an `expiresAt` that is no time to come (a Date, or ms since the epoch)')
    return { username, password: secret, expiresAtMs }
  }

  return {
    ...(name === undefined ? { name: undefined } : { name }),
    mechanisms: PASSWORD_MECHANISMS,
    checkedPath: ['module'],
    username: () => undefined,
    async build(facts) {
      const question = questionOf(facts)
      return made(await kept.get(keyOf(question), () => ask(question)), question)
    },
    async check() {
      await load()
    },
  }
}

async function loaded(path: string, sources: SecretSources): Promise<Ask> {
  const refused = (detail: string, cause?: unknown) =>
    new PromotionRefused('secret-unavailable', `the module ${path} ${detail}`, { cause })
  if (sources.load === undefined) throw refused('cannot be loaded here')
  const module = await sources.load(path).catch((error: unknown) => {
    throw refused(`cannot be loaded: ${error instanceof Error ? error.message : 'unknown failure'}`, error)
  })
  const ask: unknown = module !== null && typeof module === 'object' && 'default' in module ? module.default : undefined
  if (typeof ask !== 'function') throw refused('has no function as its default export')
  return ask as Ask
}

function questionOf({ identity, address }: VariableFacts): Question {
  const { issuer, subject, authenticator, roles, claims, accessToken } = identity
  const shown = deepFreeze(structuredClone({ issuer, subject, authenticator, roles, claims }))
  return { identity: shown, address, accessToken }
}

/** Two questions have one key only where a module could not tell them apart, whatever values claims have. */
function keyOf({ accessToken, ...shown }: Question): string {
  const digest = createHash('sha256').update(serialize({ ...shown, hasToken: accessToken !== undefined }))
  const token = accessToken?.reveal()
  if (token !== undefined) digest.update(token)
  token?.fill(0)
  return digest.digest('base64url')
}
