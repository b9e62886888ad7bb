/**
 * How a configuration names a secret: as text, or by where it is. This file only says where; reading and decrypting it is
 * in promotion/secrets.
 */
import { z } from 'zod'
import { filePath, text } from './units.ts'

const environmentName = z
  .string({ error: 'expected the name of an environment variable' })
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected the name of an environment variable: letters, digits and _' })

/** A secret in an environment variable. */
export const inEnvironment = z
  .strictObject({ env: environmentName.describe('Name of the environment variable that holds it.') })
  .transform(({ env }) => ({ kind: 'env' as const, name: env }))

/** A secret in a file. */
export const inFile = z
  .strictObject({
    file: filePath.describe(
      'File that holds it, in UTF-8; a byte order mark and one trailing newline are dropped. Re-read when it changes.',
    ),
  })
  .transform(({ file }) => ({ kind: 'file' as const, path: file }))

const ENCRYPTED_TEXT = 'a value that `gatehouse secret encrypt` printed'
const encrypted = z
  .strictObject({
    encrypted: text(ENCRYPTED_TEXT, 8192).describe('Encrypted by `gatehouse secret encrypt` for exactly this place.'),
  })
  .transform(({ encrypted: value }) => ({
    kind: 'encrypted' as const,
    value,
    /** Where it stands: filled in by the loader. */ place: '',
  }))

const asText = z
  .string()
  .min(1, { error: 'expected a secret that is not empty' })
  .transform((value) => ({ kind: 'text' as const, text: value }))

/** A secret: a string, `{ env }`, `{ file }` or `{ encrypted }`. */
export const secret = z
  .union([asText, inEnvironment, inFile, encrypted], {
    error: 'expected a secret: a string, { env: NAME }, { file: PATH } or { encrypted: VALUE }',
  })
  .meta({ id: 'secret', title: 'secret' })

export type SecretSource = z.output<typeof secret>
