/** Secrets of a configuration, as auth/schema has them, and the keys that decrypt them. */
import { z } from 'zod'
import { inEnvironment, inFile } from '../../../auth/schema/index.ts'

export { type SecretSource, secret } from '../../../auth/schema/index.ts'

/** A key that decrypts: never in the configuration itself. */
export const secretKey = z.union([inEnvironment, inFile], { error: 'expected a key: { env: NAME } or { file: PATH }' })
