/** The second door of auth/: the values that configurations are made of, for whoever describes one by a schema. */
export { isLoopback } from '../net/loopback.ts'
export { inEnvironment, inFile, type SecretSource, secret } from './secret.ts'
export {
  addressRange,
  atLeastOne,
  claimPlace,
  count,
  DURATION_TEXT,
  duration,
  durationMs,
  expected,
  filePath,
  isAddressRange,
  issuerUrl,
  oneOrMany,
  separator,
  text,
  url,
} from './units.ts'
