/** What its owner may know of an identity, as `/auth/whoami` and `/auth/ticket` answer it. */
import { type Identity, PromotionRefused, word } from '../../../auth/index.ts'

/** `expiresAt` is `null` where nothing ends it; `word` is the subject as `${subject}` stands in name and key patterns. */
export function shownIdentity({ subject, issuer, roles, authenticator, expiresAtMs }: Identity) {
  const expiresAt = expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString()
  return { subject, issuer, roles, authenticator, expiresAt, word: wordOf(subject) }
}

/** `null` where the subject cannot stand in a pattern at all; rules that use it refuse then. */
function wordOf(subject: string): string | null {
  try {
    return word(subject, 'subject')
  } catch (error) {
    if (error instanceof PromotionRefused) return null
    throw error
  }
}
