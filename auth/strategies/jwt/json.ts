/**
 * JSON as a token may carry it: one object in valid UTF-8, nested no deeper than 32, and no key twice at any depth, so
 * that two readers of one token can never see two things [RFC 7515 §4, RFC 8725 §2.4]. Not for documents of the
 * provider (key sets, discovery), which are trusted for what they say.
 */
import { AuthenticationRefused } from '../../errors.ts'

/** An object out of JSON: read with {@link Object.hasOwn}, since keys are whatever the sender chose. */
export type JsonObject = Readonly<Record<string, unknown>>

const MAX_DEPTH = 32
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/gs
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Reads one JSON object strictly; `what` names it in the refusal.
 * @throws {AuthenticationRefused} `malformed`
 */
export function parseStrictObject(bytes: Uint8Array, what: string): JsonObject {
  let text: string
  let value: unknown
  try {
    text = utf8.decode(bytes)
    value = JSON.parse(text)
  } catch {
    // A cause would mean a failure of the gateway's own.
    throw malformed(`${what} is not JSON`)
  }
  if (!isJsonObject(value)) throw malformed(`${what} is not a JSON object`)
  refuseDuplicateKeys(text, what)
  return value
}

/** `text` is known to be valid JSON. */
function refuseDuplicateKeys(text: string, what: string): void {
  const open: (Set<string> | undefined)[] = []
  let isKeyNext = false
  for (const [token] of text.matchAll(TOKEN)) {
    switch (token) {
      case '{':
      case '[':
        open.push(token === '{' ? new Set() : undefined)
        if (open.length > MAX_DEPTH) throw malformed(`${what} is nested deeper than ${MAX_DEPTH}`)
        isKeyNext = token === '{'
        break
      case '}':
      case ']':
        open.pop()
        isKeyNext = false
        break
      case ',':
        isKeyNext = open.at(-1) !== undefined
        break
      case ':':
        isKeyNext = false
        break
      default: {
        const keys = open.at(-1)
        if (!isKeyNext || keys === undefined) break
        // Escapes are undone first: "sub" and "\u0073ub" are one key.
        const key = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1)
        if (keys.has(key)) throw malformed(`${what} has the key ${show(key)} twice`)
        keys.add(key)
        isKeyNext = false
      }
    }
  }
}

/** A value from outside as it may stand in an operator's line: JSON, so without control characters, and short. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}

function malformed(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('malformed', detail)
}
