/**
 * The small values that configurations are made of: durations, texts, names of claims, files, address ranges, URLs.
 *
 * Each is a schema that reads what an operator writes and hands on what the code counts in, such as milliseconds. No
 * message here repeats the value it complains about: it may be a secret that slipped into the wrong place.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { claimPathProblem } from '../claim-path.ts'
import { isLoopback } from '../net/loopback.ts'

const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DURATION = /^(\d{1,12})(ms|s|m|h|d)$/
export const DURATION_TEXT = 'a duration: a whole number and ms, s, m, h or d, such as 30s, 5m or 24h'

/** An error of the schema in an operator's words. */
export const expected = (what: string) => ({ error: `expected ${what}` })

/** Reads a duration as written, in ms; `undefined` where it is none. */
export function durationMs(text: string): number | undefined {
  const [, digits, unit] = DURATION.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * DURATION_MS[unit as keyof typeof DURATION_MS]
}

/** A duration between two others, all as written (`1s`); comes out in ms. */
export function duration(shortest: string, longest: string) {
  const [least = 0, most = 0] = [durationMs(shortest), durationMs(longest)]
  return z
    .string(expected(DURATION_TEXT))
    .regex(DURATION, expected(DURATION_TEXT))
    .transform((text) => durationMs(text) ?? 0)
    .refine((ms) => ms >= least && ms <= most, expected(`a duration from ${shortest} to ${longest}`))
    .meta({ title: `duration, ${shortest} to ${longest}` })
}

/** A whole number between two others, both included. */
export function count(least: number, most: number) {
  const text = `a whole number from ${least} to ${most}`
  return z.number(expected(text)).int(expected(text)).min(least, expected(text)).max(most, expected(text))
}

/** Text of at least one character and at most `longest`, without control characters. */
export function text(what: string, longest = 1024) {
  return z
    .string(expected(what))
    .min(1, expected(what))
    .max(longest, expected(`${what}, at most ${longest} characters`))
    .regex(/^\P{Cc}*$/u, expected(`${what}, without control characters`))
}

/** Where a claim is, as auth reads it: its name, or keys separated by dots, those with dots of their own in quotes. */
export const claimPlace = text('the name of a claim, or names separated by dots', 256).superRefine((value, context) => {
  const problem = value === '' ? undefined : claimPathProblem(value)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

/** What stands between the entries of a text: a comma, a blank, `|`. */
export const separator = text('a separator, such as "," or "|"', 8)

/** A file; comes out absolute, since relative ones are resolved against the configuration's folder before this. */
export const filePath = text('the path of a file', 4096).meta({ title: 'file' })

/** Whether the text is an address or a range in CIDR notation: `10.0.0.0/8`, `::1`. */
export function isAddressRange(range: string): boolean {
  const [address = '', prefix, ...rest] = range.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

const RANGE_TEXT = 'an address or a range such as 10.0.0.0/8, 192.0.2.7 or fd00::/8'
export const addressRange = z
  .string(expected(RANGE_TEXT))
  .refine(isAddressRange, expected(RANGE_TEXT))
  .meta({ title: 'address or range' })

/** One entry or a list of at least `least` of them; comes out as a list. */
export function oneOrMany<T extends z.ZodType>(entry: T, least: 0 | 1 = 1) {
  return z
    .union([entry, z.array(entry).min(least, expected('at least one entry'))])
    .transform((value): z.output<T>[] => (Array.isArray(value) ? (value as z.output<T>[]) : [value as z.output<T>]))
}

/** A list with at least one entry. */
export function atLeastOne<T extends z.ZodType>(entry: T, what: string) {
  return z.array(entry, expected(`a list of ${what}`)).min(1, expected(`a list of ${what}, at least one`))
}

/** An absolute URL with one of the protocols (`https:`), without user, password or fragment. */
export function url(protocols: readonly string[], example: string) {
  const what = `expected a URL such as ${example}`
  const judge = (value: string, context: z.core.$RefinementCtx<string>) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined
    if (!parsed || !protocols.includes(parsed.protocol)) return context.addIssue({ code: 'custom', message: what })
    if (parsed.username !== '' || parsed.password !== '' || parsed.hash !== '') {
      context.addIssue({ code: 'custom', message: `${what}, without user, password or fragment` })
    }
  }
  return z.string({ error: what }).superRefine(judge).meta({ title: 'URL' })
}

/** A URL of an identity provider: `https:`, or `http:` on a loopback address. */
export const issuerUrl = url(['https:', 'http:'], 'https://idp.example.com').refine(
  (value) => !URL.canParse(value) || new URL(value).protocol === 'https:' || isLoopback(new URL(value).hostname),
  { error: 'expected https: (http: is accepted for loopback addresses only)' },
)
