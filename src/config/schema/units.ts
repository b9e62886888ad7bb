/**
 * The small values of a configuration: sizes, names, ports, and those that authenticators' keys take, too, which are in
 * auth/schema. As there, no message repeats the value it complains about.
 */
import { z } from 'zod'
import { count, expected, text } from '../../../auth/schema/index.ts'

export { CLIENT_AUTHENTICATION } from '../../../auth/index.ts'
export {
  addressRange,
  atLeastOne,
  claimPlace,
  count,
  DURATION_TEXT,
  duration,
  durationMs,
  filePath,
  isAddressRange,
  isLoopback,
  issuerUrl,
  oneOrMany,
  text,
  url,
} from '../../../auth/schema/index.ts'

const SIZE_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const
const SIZE = /^(\d{1,12})(B|KiB|MiB|GiB)$/
const SIZE_TEXT = 'a size: a whole number and B, KiB, MiB or GiB, such as 128KiB or 16MiB'

/** Reads a size as written, in bytes; `undefined` where it is none. */
export function sizeBytes(text: string): number | undefined {
  const [, digits, unit] = SIZE.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * SIZE_BYTES[unit as keyof typeof SIZE_BYTES]
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
