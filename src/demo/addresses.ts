/**
 * Where the demo listens, and under which names the browser of whoever tries it calls page and gateway. An address that
 * means all of them is for containers, whose published ports are this machine's again: it stays 127.0.0.1 by name.
 */
import { isIPv6 } from 'node:net'

export const LOOPBACK = '127.0.0.1'

const EVERYWHERE = ['0.0.0.0', '::']

/** How a browser calls this machine when something listens at that address; the first is the one to tell people. */
export function namesOf(host: string): string[] {
  if (host === LOOPBACK || host === 'localhost' || EVERYWHERE.includes(host)) return [LOOPBACK, 'localhost']
  return [isIPv6(host) ? `[${host}]` : host]
}
