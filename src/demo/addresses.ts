/**
 * Where the demo listens, and under which names the browser of whoever tries it calls page and gateway. An address that
 * means all of them is for containers, whose published ports are this machine's again: it stays 127.0.0.1 by name.
 */
import { createServer, isIPv6, type Server } from 'node:net'

export const LOOPBACK = '127.0.0.1'

const EVERYWHERE = ['0.0.0.0', '::']

/** How a browser calls this machine when something listens at that address; the first is the one to tell people. */
export function namesOf(host: string): string[] {
  if (host === LOOPBACK || host === 'localhost' || EVERYWHERE.includes(host)) return [LOOPBACK, 'localhost']
  return [isIPv6(host) ? `[${host}]` : host]
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: '; --host takes an address of this machine',
  ENOTFOUND: '; --host takes an address of this machine',
}

/** Lets a server listen. @param option what chooses its port @throws when it cannot, saying what to do */
export async function listenForDemo(
  server: Server,
  what: string,
  at: { readonly host: string; readonly port: number },
  option: string,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const advice = cause.code === 'EADDRINUSE' ? `; choose another one with ${option}` : ADVICE[cause.code ?? '']
      reject(new Error(`${what} cannot listen on ${at.host}:${at.port}: ${cause.message}${advice ?? ''}`, { cause }))
    })
    server.listen(at.port, at.host, resolve)
  })
}

/** Finds out whether something will be able to listen, before a broker is started for it. @throws as `listenForDemo` */
export async function tryPort(what: string, at: { readonly host: string; readonly port: number }, option: string) {
  const server = createServer()
  await listenForDemo(server, what, at, option)
  await new Promise((resolve) => server.close(resolve))
}
