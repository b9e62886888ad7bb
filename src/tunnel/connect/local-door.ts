/** Where local clients connect: an address of this machine, or a UNIX socket that only its owner may open. */
import { chmodSync, lstatSync, statSync, unlinkSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'

export type LocalAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** Clients that are there at once; each costs two sockets and at most a few MiB. */
const CLIENTS_MAX = 1_000
const ASK_MS = 1_000

export interface LocalDoorEvents {
  entered(socket: Socket): void
  /** So many clients are there already. */
  turnedAway(count: number): void
}

export class LocalDoor {
  readonly #server: Server

  /** @throws the operating system's error, which names the address */
  static async open(address: LocalAddress, { entered, turnedAway }: LocalDoorEvents): Promise<LocalDoor> {
    const server = createServer({ allowHalfOpen: false }, entered)
    server.maxConnections = CLIENTS_MAX
    server.on('drop', () => turnedAway(CLIENTS_MAX))
    if ('path' in address) await freePath(address.path)
    // A moment without a mode would be enough for somebody else to connect.
    const mask = 'path' in address ? process.umask(0o177) : undefined
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(address, resolve)
      })
    } finally {
      if (mask !== undefined) process.umask(mask)
    }
    if ('path' in address && process.platform !== 'win32') chmodSync(address.path, 0o600)
    server.on('error', () => undefined)
    return new LocalDoor(server)
  }

  private constructor(server: Server) {
    this.#server = server
  }

  /** As clients write it. */
  get address(): string {
    const address = this.#server.address()
    return typeof address === 'string' ? address : addressText(address as AddressInfo)
  }

  get port(): number | undefined {
    const address = this.#server.address()
    return address === null || typeof address === 'string' ? undefined : address.port
  }

  /** Takes no more clients. */
  close(): void {
    this.#server.close()
  }
}

function addressText({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}

/** A socket that a process left behind when it was killed is in the way; one that answers is somebody's. */
async function freePath(path: string): Promise<void> {
  // Node says EACCES of a folder that is not there. This throws what it is.
  statSync(dirname(path))
  if (!isSocket(path)) return
  const isInUse = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.setTimeout(ASK_MS, () => socket.destroy())
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(true))
  })
  if (!isInUse) unlinkSync(path)
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
}
