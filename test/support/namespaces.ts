/**
 * Three networks in a row, as network namespaces: clients outside, a door between, a gateway inside. Nobody routes. The inner
 * one drops every connection that somebody else begins (nftables). Where the system has no namespaces to give, addresses of
 * 127.0.0.0/8 stand for them.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { debianCommand } from './debian-package.ts'

const exec = promisify(execFile)

export interface Place {
  /** What runs a program there. */
  readonly through: readonly string[]
}

export interface Networks {
  readonly areNamespaces: boolean
  readonly outside: Place
  readonly between: Place
  readonly inside: Place
  /** Of the door, for clients and for gateways. */
  readonly doorAddress: string
  readonly innerDoorAddress: string
  /** Of the gateway. */
  readonly insideAddress: string
  /** Connections that somebody else tried to begin, and that were dropped. */
  droppedCount(): Promise<number>
  remove(): Promise<void>
}

const LOOPBACK: Networks = {
  areNamespaces: false,
  outside: { through: [] },
  between: { through: [] },
  inside: { through: [] },
  doorAddress: '127.1.0.1',
  innerDoorAddress: '127.1.1.1',
  insideAddress: '127.1.1.2',
  droppedCount: async () => 0,
  remove: async () => undefined,
}

const RULES = `
table inet wall {
  counter refused {}
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    tcp flags & (syn | ack) == syn counter name refused drop
  }
  chain output {
    type filter hook output priority 0; policy drop;
    oif lo accept
    ct state established,related accept
    ip daddr 10.99.1.1 tcp dport 8444 accept
  }
}`

/** Makes them; resolves to addresses of 127.0.0.0/8 where that cannot be. */
export async function makeNetworks(): Promise<Networks> {
  const suffix = `${process.pid % 100_000}`
  const [outside, between, inside] = [`gho${suffix}`, `ghd${suffix}`, `ghi${suffix}`] as const
  const all = [outside, between, inside]
  const remove = async () => {
    for (const name of all) await exec('ip', ['netns', 'del', name]).catch(() => undefined)
  }
  const run = async (name: string, ...line: string[]) => await exec('ip', ['netns', 'exec', name, ...line])
  try {
    if (process.getuid?.() === 0) await debianCommand('nftables', 'nft')
    for (const name of all) {
      await exec('ip', ['netns', 'add', name])
      await run(name, 'ip', 'link', 'set', 'lo', 'up')
    }
    const link = async (one: string, oneAddress: string, other: string, otherAddress: string) => {
      const [oneEnd, otherEnd] = [`${one}a`, `${other}b`]
      await run(one, 'ip', 'link', 'add', oneEnd, 'type', 'veth', 'peer', 'name', otherEnd, 'netns', other)
      for (const [name, end, address] of [
        [one, oneEnd, oneAddress],
        [other, otherEnd, otherAddress],
      ] as const) {
        await run(name, 'ip', 'address', 'add', `${address}/24`, 'dev', end)
        await run(name, 'ip', 'link', 'set', end, 'up')
      }
    }
    await link(outside, '10.99.0.2', between, '10.99.0.1')
    await link(between, '10.99.1.1', inside, '10.99.1.2')
    await run(inside, 'nft', RULES)
  } catch (error) {
    await remove()
    const why = error instanceof Error ? error.message : String(error)
    process.stderr.write(`NO NETWORK NAMESPACES: addresses of 127.0.0.0/8 stand for three networks (${why.trim()})\n`)
    return LOOPBACK
  }
  const place = (name: string): Place => ({ through: ['ip', 'netns', 'exec', name] })
  return {
    areNamespaces: true,
    outside: place(outside),
    between: place(between),
    inside: place(inside),
    doorAddress: '10.99.0.1',
    innerDoorAddress: '10.99.1.1',
    insideAddress: '10.99.1.2',
    droppedCount: async () => {
      const { stdout } = await run(inside, 'nft', 'list', 'counter', 'inet', 'wall', 'refused')
      return Number(/packets (\d+)/.exec(stdout)?.[1] ?? 0)
    },
    remove,
  }
}
