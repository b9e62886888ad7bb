/** The challenge that asks for a name and a password. */
import { InvalidConfiguration } from '../../errors.ts'

/** [RFC 7617 §2, RFC 9110 §5.6.4] */
export function basicChallenge(realm: string): string {
  if (!/^[ -~]{1,128}$/.test(realm)) {
    throw new InvalidConfiguration([{ path: ['realm'], message: 'expected 1 to 128 printable characters of ASCII' }])
  }
  return `Basic realm="${realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`
}
