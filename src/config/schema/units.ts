/**
 * The small values a configuration is made of: durations, sizes, names, ports, paths, address ranges.
 *
 * Each is a schema that reads what an operator writes and hands on what the code counts in: milliseconds, bytes. No
 * message here repeats the value it complains about: it may be a secret that slipped into the wrong place.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { claimPathProblem } from '../../../auth/index.ts'

const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DURATION = /^(\d{1,12})(ms|s|m|h|d)$/
const DURATION_TEXT = 'a duration: a whole number and ms, s, m, h or d, such as 30s, 5m or 24h'

const SIZE_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const
const SIZE = /^(\d{1,12})(B|KiB|MiB|GiB)$/
const SIZE_TEXT = 'a size: a whole number and B, KiB, MiB or GiB, such as 128KiB or 16MiB'

const expected = (what: string) => ({ error: `expected ${what}` })

/** Reads a duration as written, in ms; `undefined` where it is none. */
export function durationMs(text: string): number | undefined {
  const [, digits, unit] = DURATION.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * DURATION_MS[unit as keyof typeof DURATION_MS]
}

/** Reads a size as written, in bytes; `undefined` where it is none. */
export function sizeBytes(text: string): number | undefined {
  const [, digits, unit] = SIZE.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * SIZE_BYTES[unit as keyof typeof SIZE_BYTES]
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

/** A size between two others, all as written (`8KiB`); comes out in bytes. */
export function size(smallest: string, largest: string) {
  const [least = 0, most = 0] = [sizeBytes(smallest), sizeBytes(largest)]
  return z
    .string(expected(SIZE_TEXT))
    .regex(SIZE, expected(SIZE_TEXT))
    .transform((text) => sizeBytes(text) ?? 0)
    .refine((bytes) => bytes >= least && bytes <= most, expected(`a size from ${smallest} to ${largest}`))
    .meta({ title: `size, ${smallest} to ${largest}` })
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
export const claimPath = text('the name of a claim, or names separated by dots', 256).superRefine((value, context) => {
  const problem = value === '' ? undefined : claimPathProblem(value)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

/** What stands between the entries of a text: a comma, a blank, `|`. */
export const separator = text('a separator, such as "," or "|"', 8)

/** How a client proves itself to a token endpoint. */
export const CLIENT_AUTHENTICATION = ['basic', 'basicUnescaped', 'post'] as const

/** A file; comes out absolute, since relative ones are resolved against the configuration's folder before this. */
export const filePath = text('the path of a file', 4096).meta({ title: 'file' })

/** A name an operator gives to a broker, an authenticator or a credential. */
export const name = z
  .string(expected('a name'))
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/,
    expected('a name: letters, digits and . _ @ + -, starting with a letter or digit'),
  )
  .meta({ title: 'name' })

const PATH_SEGMENTS = '(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+'
const pathText = (example: string) =>
  `a path such as ${example}: letters, digits and . _ ~ - between slashes, none at the end`

/** A path of a URL that every proxy writes in one way. */
export const path = z
  .string(expected(pathText('/amqp')))
  .regex(new RegExp(`^(?:/|${PATH_SEGMENTS})$`), expected(pathText('/amqp')))

/** What may stand before such a path. */
export const pathPrefix = z
  .string(expected(pathText('/gate')))
  .regex(new RegExp(`^${PATH_SEGMENTS}$`), expected(pathText('/gate')))

export const port = count(0, 65_535)

/** A port that something must be able to find. */
export const hostName = text('a host name or an IP address', 253)

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

/** Whether the host is this machine, by name or by address. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
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
