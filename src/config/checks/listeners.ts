/** Listeners: two of them cannot share a port, and operators' answers never go out in public. */
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { Config } from '../schema/schema.ts'

const EVERYWHERE = new Set(['0.0.0.0', '::'])

/** Whether both cannot be bound at once; port 0 is always a free one. */
function collide(a: { host: string; port: number }, b: { host: string; port: number }): boolean {
  return a.port === b.port && a.port !== 0 && (a.host === b.host || EVERYWHERE.has(a.host) || EVERYWHERE.has(b.host))
}

export function checkListeners({ listen, admin }: Config): Finding[] {
  const all: { path: Path; host: string; port: number }[] = listen.map(({ host, port }, index) => ({
    path: ['listen', index],
    host,
    port,
  }))
  if (admin) all.push({ path: ['admin'], ...admin })
  const unnamed = listen.flatMap(({ proxyProtocol, trustedProxies }, index): Finding[] => {
    if (!proxyProtocol || trustedProxies !== undefined) return []
    const message = 'expected `trustedProxies` beside it: nobody else may say who the client is'
    return [{ path: ['listen', index, 'proxyProtocol'], at: 'key', message }]
  })
  const taken = all.flatMap((listener, index): Finding[] => {
    if (!all.slice(0, index).some((earlier) => collide(earlier, listener))) return []
    const other =
      listener.path[0] === 'admin'
        ? 'a public listener; health and metrics need a port of their own'
        : 'another listener'
    return [{ path: [...listener.path, 'port'], at: 'value', message: `port ${listener.port} is taken by ${other}` }]
  })
  return [...unnamed, ...taken]
}

/** Whether a listener asks TLS clients for certificates. */
export function asksForCertificates(tls: Config['listen'][number]['tls']): boolean {
  return tls?.clientCertificates !== undefined && tls.clientCertificates.mode !== 'none'
}
