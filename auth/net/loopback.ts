/** This machine, as URLs and listeners name it. */
import { isIP } from 'node:net'

/** Whether the host is this machine, by name or by address. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}
