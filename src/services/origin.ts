/**
 * Which pages may open a session. Browsers name the page's origin in every upgrade and every cross-origin request, and
 * attach cookies and cached passwords by themselves: comparing it is all that keeps a foreign page out.
 *
 * `null` (sandboxed frames, files) is never allowed. [RFC 6454 §6, RFC 6455 §10.2]
 */
import { originMatcher } from '../config/origin-pattern.ts'

export class OriginRule {
  readonly #matches: (origin: string) => boolean

  /** @param origins the service's list; absent or empty: no browser gets in */
  constructor(origins: readonly string[] | undefined) {
    this.#matches = originMatcher(origins ?? [])
  }

  /** Whether a request with this Origin header may go on. What its absence means depends on the credential. */
  allows(origin: string): boolean {
    return this.#matches(origin)
  }
}
