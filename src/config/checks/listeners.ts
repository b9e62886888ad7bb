/** Listeners: two of them cannot share a port, and operators' answers never go out in public. */
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import { addressListeners, isBehindDoor } from '../schema/listener-kinds.ts'
import type { Config, ListenerConfig } from '../schema/schema.ts'

const EVERYWHERE = new Set(['0.0.0.0', '::'])

/** Whether both cannot be bound at once; port 0 is always a free one. */
export function collide(a: { host: string; port: number }, b: { host: string; port: number }): boolean {
  return a.port === b.port && a.port !== 0 && (a.host === b.host || EVERYWHERE.has(a.host) || EVERYWHERE.has(b.host))
}

export function checkListeners({ listen, admin }: Config): Finding[] {
  const own = addressListeners(listen)
  const all: { path: Path; host: string; port: number }[] = own.map(({ listener: { host, port }, index }) => ({
    path: ['listen', index],
    host,
    port,
  }))
  if (admin) all.push({ path: ['admin'], ...admin })
  const unnamed = own.flatMap(({ listener: { proxyProtocol, trustedProxies }, index }): Finding[] => {
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
  return [...unnamed, ...taken, ...dialledTwice(listen)]
}

/** One gateway at one door under one name is enough: a reload could not tell two apart. */
function dialledTwice(listen: readonly ListenerConfig[]): Finding[] {
  const seen = new Set<string>()
  return listen.flatMap((listener, index): Finding[] => {
    if (!isBehindDoor(listener)) return []
    const { name, urls } = listener.door
    return urls.flatMap(({ host, port }, position): Finding[] => {
      const key = JSON.stringify([name, host, port])
      if (!seen.has(key)) {
        seen.add(key)
        return []
      }
      const path: Path = ['listen', index, 'door', 'urls', position]
      return [{ path, at: 'value', message: 'this door has this gateway already, under the same name' }]
    })
  })
}

/** Whether a listener asks TLS clients for certificates. */
export function asksForCertificates(tls: Config['listen'][number]['tls']): boolean {
  return tls?.clientCertificates !== undefined && tls.clientCertificates.mode !== 'none'
}
