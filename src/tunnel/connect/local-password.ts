/** The password that local clients have to know, where a machine has several users. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../../auth/index.ts'

/** In constant time, whatever the lengths are. */
export function samePassword(wanted: Secret, given: Buffer): boolean {
  const bytes = wanted.reveal()
  const isSame = timingSafeEqual(digest(bytes), digest(given))
  bytes.fill(0)
  return isSame
}

function digest(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
