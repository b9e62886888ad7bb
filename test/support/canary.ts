/**
 * Canaries: secrets of tests that begin with one word, so that they are found wherever they should not be, in any form in
 * which software writes things down: as they are, as hexadecimal, as Base64 at any offset, escaped for URLs and JSON, as
 * lists of numbers, as Node and Erlang print bytes.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Gateway } from '../../src/index.ts'

/** Every secret of a test begins like this, or contains it. */
export const CANARY = 'CANARY'

/** A secret for a test: of this kind, of no other, and with characters that every escaping changes. */
export function canary(kind: string): string {
  return `${CANARY}-${kind}-"/+é%-${randomBytes(6).toString('hex')}`
}

/** Every form of a secret, by the form's name. Forms of Base64 are those characters that its neighbours do not change. */
export function formsOf(secret: string | Buffer): ReadonlyMap<string, string> {
  const bytes = Buffer.from(secret)
  const text = bytes.toString()
  const hex = bytes.toString('hex')
  const forms = new Map([
    ['as it is', text],
    ['latin1', bytes.toString('latin1')],
    ['hexadecimal', hex],
    ['hexadecimal, capitals', hex.toUpperCase()],
    ['bytes, as Node prints them', hex.replace(/..(?!$)/g, '$& ')],
    ['numbers', [...bytes].join(',')],
    ['numbers, spaced', [...bytes].join(', ')],
    ['URL', encodeURIComponent(text)],
    ['URL, every character', hex.replace(/../g, '%$&')],
    ['form', new URLSearchParams({ x: text }).toString().slice(2)],
    ['JSON', JSON.stringify(text).slice(1, -1)],
    ['JSON twice', JSON.stringify(JSON.stringify(text)).slice(3, -3)],
    ['JSON, ASCII only', ascii(text)],
  ])
  for (const offset of [0, 1, 2]) {
    forms.set(`Base64 at offset ${offset}`, base64(bytes, offset))
    forms.set(`Base64url at offset ${offset}`, base64(bytes, offset).replaceAll('+', '-').replaceAll('/', '_'))
  }
  return forms
}

/** Where secrets stand in it: what, in which form, with what is around it. The secrets themselves are not repeated. */
export function findSecrets(haystack: string | Buffer, secrets: Readonly<Record<string, string>>): string[] {
  const text = typeof haystack === 'string' ? haystack : haystack.toString('latin1')
  return Object.entries(secrets).flatMap(([name, secret]) =>
    [...formsOf(secret)].flatMap(([form, written]) => {
      const at = text.indexOf(written)
      return at === -1 ? [] : [`${name} (${form}) after ${JSON.stringify(text.slice(Math.max(0, at - 60), at))}`]
    }),
  )
}

/** Fails where the word that every canary begins with is found, in any form. For whoever ends something that may have written one. */
export function refuseCanaries(where: string, haystack: string | Buffer): void {
  assert.deepEqual(findSecrets(haystack, { [where]: CANARY }), [], `a secret in ${where}`)
}

/** What a line of RabbitMQ's log begins with, where a term goes on in the next one. */
const NEXT_LINE = String.raw`(?:\n\S+ \S+ \[\w+\] <[\d.]+>)?\s*`
const UNREADABLE_TOKEN = new RegExp(
  String.raw`(\{invalid_token,error,${NEXT_LINE}\{badarg,${NEXT_LINE})\[<<".*?"(?:/utf8)?>>\]`,
  'g',
)

/**
 * A broker's log but for one thing: from 4.1 on RabbitMQ's OAuth 2 backend writes down what it cannot read as a token, and
 * so every password that the other backends refused. No gateway can keep it from that; docs/brokers.md says what can.
 */
export function withoutUnreadableTokens(log: string): string {
  return log.replace(UNREADABLE_TOKEN, '$1[left out]')
}

/** Before a gateway is stopped: nothing of the kind is in what it logged or counts. */
export async function refuseCanariesOf(gateway: Gateway, lines: readonly unknown[]): Promise<void> {
  refuseCanaries('the log of the gateway', JSON.stringify(lines))
  const admin = gateway.adminAddress?.url
  // A gateway that a test has stopped already does not answer any more.
  const answer = admin === undefined ? undefined : await fetch(`${admin}/metrics`).catch(() => undefined)
  if (answer !== undefined) refuseCanaries('the metrics', await answer.text())
}

function ascii(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Bits of a character that belong to a neighbour make it unknown: it is left out. */
function base64(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replaceAll('=', '')
  const whole = Math.floor(((offset + bytes.length) * 8) / 6)
  return encoded.slice(Math.ceil((offset * 8) / 6), whole)
}
