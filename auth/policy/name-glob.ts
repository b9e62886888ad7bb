/** Patterns of queue and exchange names: globs, with what is no name and what is the broker's own left out. */
import { glob } from '../glob.ts'

/**
 * The broker's own exchanges (trace, event, log) and reply addresses, and the queues it named for one session each: never
 * reached by a pattern that does not say so.
 */
const RESERVED: readonly string[] = ['amq.rabbitmq.', 'amq.gen-']

// Some of the broker's methods drop CR and LF from names and others keep them; nobody needs the rest.
const CONTROL = /\p{Cc}/u

/**
 * A matcher of queue and exchange names: as `glob`, but the empty name and names with control characters are no names, and
 * what begins with `amq.rabbitmq.` or `amq.gen-` is matched only by patterns that begin so.
 */
export function nameGlob(pattern: string): (name: string) => boolean {
  const matches = glob(pattern)
  const unreached = RESERVED.filter((prefix) => !pattern.startsWith(prefix))
  return (name) =>
    name !== '' && matches(name) && !unreached.some((prefix) => name.startsWith(prefix)) && !CONTROL.test(name)
}
