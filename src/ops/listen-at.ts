/** Binding a server to its address, with advice where it cannot be had. */
import type { Server, Socket } from 'node:net'

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there: end it, or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address: choose one of its own, or 0.0.0.0 or :: for all',
  EACCES: 'ports below 1024 need a right of their own: choose another port, or give the process CAP_NET_BIND_SERVICE',
  ENOTFOUND: 'no such name: choose an address of this machine',
}

/**
 * Resolves when the server listens; afterwards nothing that happens to the socket ends the process.
 * @param key where the configuration says the address
 * @param inherited bound to it already, by another process
 * @throws the system's error, its message with what to do
 */
export async function listenAt(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  key: string,
  inherited?: Socket,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const advice = ADVICE[error.code ?? '']
      if (advice !== undefined) error.message = `${error.message} (\`${key}\`): ${advice}`
      reject(error)
    }
    server.once('error', failed)
    const listens = (): void => {
      server.off('error', failed)
      server.on('error', () => {})
      resolve()
    }
    if (inherited === undefined) server.listen(port, host, listens)
    else server.listen(inherited, listens)
  })
}
