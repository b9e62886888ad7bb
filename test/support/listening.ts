/** Where a process of ours takes connections, as its system says. */
import { readdir, readFile, readlink } from 'node:fs/promises'

const LISTEN = '0A'

/** `ADDRESS:PORT` of each TCP listener of the process, in its own network. */
export async function listeningAt(pid: number): Promise<string[]> {
  const links = (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))
  const own = new Set(await Promise.all(links))
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')))
  return tables
    .flatMap((table) => table.split('\n').slice(1))
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state !== LISTEN || !own.has(`socket:[${inode}]`)) return []
      const [address = '', port = ''] = local.split(':')
      return [`${addressOf(address)}:${Number.parseInt(port, 16)}`]
    })
}

/** IPv4 in the order of this machine's bytes, the last one first; IPv6 as it stands. */
function addressOf(hex: string): string {
  return hex.length === 8 ? [...Buffer.from(hex, 'hex').reverse()].join('.') : hex
}
