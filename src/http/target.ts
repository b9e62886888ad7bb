/**
 * What a request is for: its Host header and its target. A proxy may send the whole URL instead of the path, and says the
 * same with it as long as both name one host. [RFC 9112 §3.2]
 */
import type { IncomingMessage } from 'node:http'

/** A name, an address or nothing, perhaps with a port. [RFC 9110 §7.2] */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.~!$&'()*+;=%-]*)(?::\d*)?$/i
/** Scheme, authority, and the path with all that is behind it. */
const ABSOLUTE = /^(https?|wss?):\/\/([^/?#]*)(.*)$/i

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', ws: '80', https: '443', wss: '443' }

/**
 * Brings the target into the form with the path alone. Nothing is decoded and nothing resolved: what names a service does so
 * byte for byte.
 *
 * @returns the first thing wrong with target or host, if there is one
 */
export function readTarget(request: Pick<IncomingMessage, 'url' | 'headers' | 'httpVersion'>): string | undefined {
  const { host } = request.headers
  if (host === undefined && request.httpVersion === '1.1') return 'expected a Host header'
  if (host !== undefined && !HOST.test(host)) return 'expected a host in the Host header'
  const [, scheme = '', authority = '', rest = ''] = ABSOLUTE.exec(request.url ?? '') ?? []
  if (scheme === '') return undefined
  if (host !== undefined && plainHost(authority, scheme) !== plainHost(host, scheme))
    return 'expected the same host in the request target and the Host header'
  request.url = rest.startsWith('/') ? rest : `/${rest}`
  return undefined
}

/** In one spelling: lower case, without the root's dot and the scheme's own port. [RFC 9110 §4.2.3] */
function plainHost(text: string, scheme: string): string {
  const [, name = '', port = ''] = /^(.*?)(?::(\d*))?$/.exec(text.toLowerCase()) ?? []
  const isDefault = port === '' || port === DEFAULT_PORTS[scheme.toLowerCase()]
  return `${name.replace(/\.$/, '')}${isDefault ? '' : `:${port}`}`
}
