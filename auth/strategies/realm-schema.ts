/** The realm of ways that ask for a name and a password. */
import { z } from 'zod'

export const realm = z
  .string()
  .regex(/^[ !#-[\]-~]{1,128}$/, { error: 'expected printable ASCII without " and \\' })
  .prefault('Gatehouse')
  .describe("Named in the challenge and in the browser's dialog.")
