/**
 * Looks at the store once, at the start: one that can never serve is a mistake of the configuration and refuses the start, with
 * what is wrong. One that is only away does not: it may be back before anybody asks.
 */
import { randomUUID } from 'node:crypto'
import type { StoreClient } from './client.ts'
import { wordsOf } from './store.ts'

export interface StartCheckOptions {
  readonly client: StoreClient
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** A key that may be written and removed. */
  readonly key: string
  readonly timeoutMs: number
}

/** What is wrong; undefined: nothing, or nobody answered. */
export async function startProblem({ client, kind, key, timeoutMs }: StartCheckOptions): Promise<string | undefined> {
  const own = `${key}:${randomUUID()}`
  const ask = async (command: string, ...args: readonly (string | number)[]): Promise<unknown> =>
    await answered(client.call(command, ...args), timeoutMs)
  try {
    const server = textOf(await ask('INFO', 'server'))
    const mode = /^redis_mode:(\w+)/m.exec(server)?.[1]
    if (mode === 'sentinel') return 'it is a Sentinel: say `sentinel: { name }` with the name of the primary'
    if (mode === 'cluster' && kind !== 'cluster') return 'it is a node of a cluster: say `cluster: true`'
    await ask('SET', own, 'x', 'PX', 10_000)
    const script = "redis.call('TIME') return redis.call('INFO', 'replication')"
    const replication = textOf(await ask('EVAL', script, 1, own))
    const taken = await ask('GETDEL', own).catch((error: unknown) => error)
    if (taken instanceof Error) {
      const words = wordsOf(taken)
      if (!/unknown command/i.test(words)) return storeProblemOf(words)
      return `${nameOf(server)} is too old: it has no GETDEL; expected Redis 6.2 or newer, or Valkey`
    }
    if (taken !== 'x') return 'it has lost what was written a moment ago: is another program removing keys?'
    if (!/^master_replid:\w+/m.test(replication))
      return `${nameOf(server)} does not say which replication it belongs to (master_replid in INFO replication)`
    return undefined
  } catch (error) {
    return storeProblemOf(wordsOf(error))
  }
}

/** In the words of an operator; undefined for what may pass. */
export function storeProblemOf(words: string): string | undefined {
  if (/^(WRONGPASS|ERR invalid password|ERR Client sent AUTH|ERR AUTH )/i.test(words) || words.includes('WRONGPASS'))
    return `the store refuses user or password (${words}): compare \`username\` and \`password\` with its ACL`
  if (/^NOAUTH/.test(words)) return 'the store asks for a password: set `password`, and `username` where it has users'
  if (/^NOPERM/.test(words))
    return `its user may not do all that is needed (${words}): docs/scaling.md has the ACL rule`
  if (/^READONLY/.test(words))
    return 'it is a replica, which takes no writes: name the primary, or let Sentinels find it (`sentinel`)'
  if (/unknown command/i.test(words) && !/sentinel/i.test(words))
    return `it lacks a command that is needed (${words}); expected Redis 6.2 or newer, or Valkey`
  if (/cluster support disabled/i.test(words)) return 'it is no node of a cluster: take `cluster: true` away'
  return undefined
}

function nameOf(server: string): string {
  const version = /^(?:valkey|redis)_version:(\S+)/m.exec(server)?.[1] ?? 'of an unknown version'
  return `the store (${version})`
}

function textOf(answer: unknown): string {
  return typeof answer === 'string' ? answer : ''
}

async function answered<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
