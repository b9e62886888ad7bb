/**
 * How long a token lives, as far as it says so itself. Nobody here judges it: that is the gateway's part, and a token that
 * is no JWT is as good. [RFC 7519 §4.1.4]
 */
import type { Bearer } from './login.ts'

/** Of the rest of its life a token keeps so much when the next one is asked for. */
const KEPT_PART = 0.2
/** No more is needed than this, however long it lives. */
const KEPT_MAX_MS = 60_000

/** A token with its end, where it says it. */
export function bearer(text: string): Bearer {
  return { text, expiresAtMs: expiryOf(text) }
}

/** In ms since the epoch; undefined where the token does not say. */
export function expiryOf(token: string): number | undefined {
  const [, payload = '', signature] = token.split('.')
  if (signature === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined
    return typeof claims.exp === 'number' && Number.isFinite(claims.exp) ? claims.exp * 1000 : undefined
  } catch {
    return undefined
  }
}

/** When to ask for the next token. */
export function renewalAtMs(expiresAtMs: number, nowMs: number): number {
  return expiresAtMs - Math.min(KEPT_MAX_MS, Math.max(0, expiresAtMs - nowMs) * KEPT_PART)
}
