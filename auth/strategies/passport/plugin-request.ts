/**
 * A request as strategies expect it, which are written for Express: with `cookies`, `get`, and a `body` and a `query` that
 * are there. Those two are always empty: an upgrade has no form, and no credential is read from an address, which
 * every log on the way keeps.
 */
import type { IncomingMessage } from 'node:http'
import { cookieValues, headerValues } from '../carriers.ts'
import { viewOf } from '../strategy.ts'

/** A view of the request that one run of a strategy may write to. */
export function pluginRequest(http: IncomingMessage): IncomingMessage {
  const get = (name: string) => http.headers[name.toLowerCase()]
  return Object.assign(viewOf(http), {
    body: {},
    query: {},
    params: {},
    cookies: cookiesOf(http),
    signedCookies: {},
    get,
    header: get,
  })
}

/** By name. A cookie that is there twice is left out: one of the two is somebody else's. */
function cookiesOf(http: IncomingMessage): Readonly<Record<string, string>> {
  const names = headerValues(http, 'cookie')
    .flatMap((header) => header.split(';'))
    .map((pair) => pair.slice(0, Math.max(0, pair.indexOf('='))).trim())
  const cookies: Record<string, string> = Object.create(null) as Record<string, string>
  for (const name of new Set(names)) {
    const [value, ...more] = cookieValues(http, name)
    if (name !== '' && value !== undefined && more.length === 0) cookies[name] = decoded(value)
  }
  return cookies
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
