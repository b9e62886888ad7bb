/**
 * Documents of an identity provider over HTTP: https, or http on a loopback address; no redirects; bounded in size and
 * time. A document that breaks one of these is not there at all; nobody gets half of one.
 */
import { isLoopback } from '../../net/loopback.ts'
import { isPublicAddress } from './private-fetch.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

const NOT_HTTPS = 'expected https: (http: is accepted for loopback addresses only)'
const MAX_BYTES = 256 * 1024
const TIMEOUT_MS = 5000
const JSON_HEADERS = { accept: 'application/json' }

/** Why the gateway must not trust what it would fetch from there; undefined where it may. */
export function providerUrlProblem(value: string): string | undefined {
  if (!URL.canParse(value)) return 'expected a URL'
  const { protocol, hostname, username, password } = new URL(value)
  if (username !== '' || password !== '') return 'expected a URL without user and password'
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return undefined
  return NOT_HTTPS
}

/** The same for a key set; `insecure` where its operator accepts plain http from private addresses. */
export function keySetUrlProblem(value: string, insecure: boolean): string | undefined {
  const problem = providerUrlProblem(value)
  if (problem !== NOT_HTTPS) return problem
  if (!insecure) return `${problem}; \`insecureKeySet: true\` accepts it for private addresses`
  const { protocol, hostname } = new URL(value)
  if (protocol === 'http:' && !isPublicAddress(hostname)) return undefined
  return 'expected https: (with insecureKeySet, http: is accepted for private addresses only)'
}

/** `fetch` under the rules of this file; the body arrives whole or not at all. Rejects with an `Error` that says why. */
export async function boundedFetch(
  fetch: Fetch,
  url: string,
  init: RequestInit = {},
  timeoutMs = TIMEOUT_MS,
  maxBytes = MAX_BYTES,
): Promise<Response> {
  const problem = providerUrlProblem(url)
  if (problem !== undefined) throw new Error(`${url}: ${problem}`)
  return bounded(fetch, url, init, timeoutMs, maxBytes)
}

async function bounded(
  fetch: Fetch,
  url: string,
  init: RequestInit,
  timeoutMs: number,
  maxBytes: number,
): Promise<Response> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = init.signal == null ? deadline : AbortSignal.any([init.signal, deadline])
  const response = await fetch(url, { ...init, redirect: 'manual', signal })
  const body = await readBounded(response, signal, maxBytes)
  const { status, statusText, headers } = response
  return new Response(status === 204 || status === 304 ? null : body, { status, statusText, headers })
}

/** The JSON document at `url`, for status 200 only. */
export async function fetchJson(fetch: Fetch, url: string, signal: AbortSignal): Promise<unknown> {
  return jsonOf(await boundedFetch(fetch, url, { headers: JSON_HEADERS, signal }))
}

/** The key set at `url`, which its operator lets come over plain http from a private address. */
export async function fetchInsecureKeySet(fetch: Fetch, url: string, signal: AbortSignal): Promise<unknown> {
  const problem = keySetUrlProblem(url, true)
  if (problem !== undefined) throw new Error(`${url}: ${problem}`)
  return jsonOf(await bounded(fetch, url, { headers: JSON_HEADERS, signal }, TIMEOUT_MS, MAX_BYTES))
}

async function jsonOf(response: Response): Promise<unknown> {
  if (response.status !== 200) throw new Error(`status ${response.status} instead of 200`)
  return response.json()
}

async function readBounded(response: Response, signal: AbortSignal, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let byteCount = 0
  if (response.body === null) return Buffer.alloc(0)
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    signal.throwIfAborted()
    byteCount += chunk.length
    // Leaving the loop cancels the rest of the body.
    if (byteCount > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, byteCount)
}
