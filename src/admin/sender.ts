/**
 * Which pages may make a browser send something here. Basic passwords are ambient: a browser attaches them to requests
 * that any page causes. Every browser of today says so in `Sec-Fetch-Site` and names the page's origin in every write.
 * [Fetch §3.1, Fetch Metadata §2.4]
 */
import type { IncomingMessage } from 'node:http'
import type { OriginRule } from '../services/origin.ts'
import { ApiProblem } from './problem.ts'

export interface SenderRule {
  readonly isWrite: boolean
  /** Whether browsers reach this listener over TLS. */
  readonly isSecure: boolean
  /** Beside the listener's own. */
  readonly origins: OriginRule
}

/** @throws {ApiProblem} 403 for a request that a foreign page caused */
export function checkSender({ headersDistinct }: IncomingMessage, { isWrite, isSecure, origins }: SenderRule): void {
  if (headersDistinct['sec-fetch-site']?.includes('cross-site') === true)
    throw new ApiProblem(403, 'another site sent this request')
  if (!isWrite) return
  const own = headersDistinct['host']?.map((host) => `${isSecure ? 'https' : 'http'}://${host}`)
  for (const origin of headersDistinct['origin'] ?? []) {
    if (own?.includes(origin) !== true && !origins.allows(origin))
      throw new ApiProblem(403, 'a page of this origin may change nothing here: see admin.origins')
  }
}
