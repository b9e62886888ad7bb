/** Patterns of queue and exchange names: globs, with what is no name and what is the broker's own left out. */
import { glob } from '../glob.ts'

/** The broker's own exchanges (trace, event, log) and reply addresses: never reached by a pattern that does not say so. */
const RESERVED = 'amq.rabbitmq.'

// Some of the broker's methods drop CR and LF from names and others keep them; nobody needs the rest.
const CONTROL = /\p{Cc}/u

/**
 * A matcher of queue and exchange names: as `glob`, but the empty name and names with control characters are no names, and
 * what begins with `amq.rabbitmq.` is matched only by patterns that begin so.
 */
export function nameGlob(pattern: string): (name: string) => boolean {
  const matches = glob(pattern)
  const reachesReserved = pattern.startsWith(RESERVED)
  return (name) =>
    name !== '' && matches(name) && (reachesReserved || !name.startsWith(RESERVED)) && !CONTROL.test(name)
}
