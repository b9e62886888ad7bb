/** The two ways to ask: a POST to a URL, as Open Policy Agent takes it, or a call of an operator's own module. */
import { AuthenticationRefused, InvalidConfiguration } from '../errors.ts'
import type { SecretInput, SecretSources } from '../promotion/input.ts'
import { compileSecret, type SecretReader } from '../promotion/secrets/secrets.ts'
import { type JsonObject, parseStrictObject } from '../strategies/jwt/json.ts'
import { boundedFetch, providerUrlProblem } from '../strategies/jwt/jwks-fetch.ts'
import { ANSWER_BYTES, Malformed } from './answer.ts'

/** Resolves with the answer as it is. Rejects with an `Error` in operators' words; no message shows a secret. */
export type Ask = (input: object, signal: AbortSignal) => Promise<unknown>

type Decide = (input: object, context: { readonly options: object; readonly signal: AbortSignal }) => unknown

/** @throws InvalidConfiguration */
export function askUrl(
  url: string,
  secret: SecretInput | undefined,
  timeoutMs: number,
  sources: SecretSources,
): { readonly ask: Ask; check(): Promise<void> } {
  const problem = providerUrlProblem(url)
  if (problem !== undefined) throw new InvalidConfiguration([{ path: ['url'], message: problem }])
  const reader = secret === undefined ? undefined : compileSecret(secret, sources, { template: false })
  const send = sources.fetch ?? fetch
  return {
    async ask(input, signal) {
      const headers = { accept: 'application/json', 'content-type': 'application/json', ...(await bearer(reader)) }
      const init = { method: 'POST', headers, body: JSON.stringify({ input }), signal }
      const response = await boundedFetch(send, url, init, timeoutMs, ANSWER_BYTES)
      if (response.status !== 200) throw new Malformed(`status ${response.status} instead of 200`)
      return strictObject(new Uint8Array(await response.arrayBuffer()))
    },
    async check() {
      await reader?.read(undefined)
    },
  }
}

/** No key twice: of two decisions in one answer, each reader would take another. */
function strictObject(bytes: Uint8Array): JsonObject {
  try {
    return parseStrictObject(bytes, 'it')
  } catch (error) {
    throw error instanceof AuthenticationRefused ? new Malformed(error.message) : error
  }
}

async function bearer(reader: SecretReader | undefined): Promise<{ authorization?: string }> {
  if (reader === undefined) return {}
  const bytes = (await reader.read(undefined)).reveal()
  const text = bytes.toString()
  bytes.fill(0)
  // What is no token would end the header, and its message would show it. [RFC 6750 §2.1]
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(text)) throw new Malformed('the secret is no bearer token')
  return { authorization: `Bearer ${text}` }
}

/** Loads it once; one that failed is tried again. */
export function loadModule(path: string, sources: SecretSources): () => Promise<Decide> {
  let loading: Promise<Decide> | undefined
  return async () => {
    loading ??= loaded(path, sources).catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return await loading
  }
}

async function loaded(path: string, { load }: SecretSources): Promise<Decide> {
  if (load === undefined) throw new Error(`the module ${path} cannot be loaded here`)
  const module = await load(path).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : 'unknown failure'
    throw new Error(`the module ${path} cannot be loaded: ${why}`, { cause })
  })
  const decide: unknown =
    module !== null && typeof module === 'object' && 'default' in module ? module.default : undefined
  if (typeof decide !== 'function') throw new Error(`the module ${path} has no function as its default export`)
  return decide as Decide
}

/** The answer becomes plain data, so that nothing in it can change or run later. */
export function askModule(load: () => Promise<Decide>, options: Readonly<Record<string, unknown>>): Ask {
  return async (input, signal) => {
    const decide = await load()
    const text: unknown = JSON.stringify(await decide(input, { options, signal }))
    if (typeof text !== 'string') throw new Malformed('it is nothing')
    if (Buffer.byteLength(text) > ANSWER_BYTES) throw new Malformed(`more than ${ANSWER_BYTES} bytes`)
    return JSON.parse(text) as unknown
  }
}
