/** Waiting with a deadline: the only ways in which tests wait. No test sleeps. */
import { setTimeout as pause } from 'node:timers/promises'

/** What this process waits for at the moment, and since when. */
type Waits = Map<symbol, { readonly what: string; readonly sinceMs: number }>
/** One for the process, even where this module is loaded twice, as ESM and as CommonJS. */
const WAITS = Symbol.for('gatehouse.test.waits')
const known = Reflect.get(globalThis, WAITS) as Waits | undefined
const waits: Waits = known ?? new Map<symbol, { readonly what: string; readonly sinceMs: number }>()
Reflect.set(globalThis, WAITS, waits)

/** One line for each wait of this process, the oldest first. */
export function openWaits(nowMs = performance.now()): readonly string[] {
  return [...waits.values()].map(({ what, sinceMs }) => `${what}, for ${Math.round((nowMs - sinceMs) / 1000)} s`)
}

async function waiting<T>(what: string, wait: () => Promise<T>): Promise<T> {
  const key = Symbol(what)
  waits.set(key, { what, sinceMs: performance.now() })
  try {
    return await wait()
  } finally {
    waits.delete(key)
  }
}

/** Polls until the check gives something truthy, and returns that. @throws after `deadlineMs`, with the last outcome. */
export async function until<T>(
  check: () => T | Promise<T>,
  what = 'the condition',
  deadlineMs = 10_000,
): Promise<Exclude<T, false | 0 | '' | null | undefined>> {
  return await waiting(what, () => poll(check, what, deadlineMs))
}

async function poll<T>(
  check: () => T | Promise<T>,
  what: string,
  deadlineMs: number,
): Promise<Exclude<T, false | 0 | '' | null | undefined>> {
  const endMs = performance.now() + deadlineMs
  let last: unknown
  for (;;) {
    try {
      const value = await check()
      if (value) return value as Exclude<T, false | 0 | '' | null | undefined>
      last = value
    } catch (error) {
      last = error
    }
    if (performance.now() > endMs) {
      const cause = last instanceof Error ? { cause: last } : {}
      throw new Error(`${what}: not within ${deadlineMs} ms; last: ${String(last)}`, cause)
    }
    await pause(15)
  }
}

/** The promise's outcome. @throws when it has not settled after `deadlineMs`. */
export async function within<T>(promise: Promise<T>, what = 'the promise', deadlineMs = 10_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not settled within ${deadlineMs} ms`)), deadlineMs)
  })
  try {
    return await waiting(what, () => Promise.race([promise, late]))
  } finally {
    clearTimeout(timer)
  }
}
