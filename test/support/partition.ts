/** Cuts servers off from everybody, in a network namespace of our own: packets for them and from them are dropped. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const exec = promisify(execFile)

const TABLE = ['inet', 'gatehouse_partition'] as const

/** Whether this process was started in a network of its own, as test/failovers.ts does: then it harms nobody else. */
export const mayPartition = process.env['OWN_NETWORK'] !== undefined

export async function cutOff(port: number): Promise<void> {
  const table = TABLE.join(' ')
  const lines = ['type filter hook input priority 0', `tcp dport ${port} drop`, `tcp sport ${port} drop`]
  await exec('nft', [`table ${table} {\nchain cut {\n${lines.join('\n')}\n}\n}`])
}

/** Whatever was cut off can be reached again. */
export async function endPartition(): Promise<void> {
  await exec('nft', ['delete', 'table', ...TABLE])
}
