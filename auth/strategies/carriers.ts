/**
 * Where a request can carry a credential: headers, cookies, the query. Reads what was really sent, from the raw
 * headers, because Node keeps only the first of two Authorization headers and joins two cookies with one name.
 */
import type { IncomingMessage } from 'node:http'

/** Every value of one header, in the order of arrival; `name` in lower case. */
export function headerValues(http: IncomingMessage, name: string): readonly string[] {
  const values: string[] = []
  const raw = http.rawHeaders
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() === name) values.push(raw[index + 1] ?? '')
  }
  return values
}

/** Around a cookie's name and value. More that looks blank would make a protected name of one that no browser protected. */
const BLANKS = /^[ \t]+|[ \t]+$/g

/** Every value of one cookie, as sent: nothing is decoded or unquoted. [RFC 6265 §5.4] */
export function cookieValues(http: IncomingMessage, name: string): readonly string[] {
  const values: string[] = []
  for (const header of headerValues(http, 'cookie')) {
    for (const pair of header.split(';')) {
      const equals = pair.indexOf('=')
      if (equals === -1 || pair.slice(0, equals).replace(BLANKS, '') !== name) continue
      values.push(pair.slice(equals + 1).replace(BLANKS, ''))
    }
  }
  return values
}

/** Every value of one query parameter, decoded. */
export function queryValues(http: IncomingMessage, name: string): readonly string[] {
  const target = http.url ?? ''
  const mark = target.indexOf('?')
  return mark === -1 ? [] : new URLSearchParams(target.slice(mark + 1)).getAll(name)
}
