/** One abuse from beginning to end: the processes it takes, what is measured when, and the row that comes of it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Target } from '../support/flooder.ts'
import type { MeasuredGateway } from '../support/measured-gateway.ts'
import type { Tap } from '../support/tap.ts'
import { within } from '../support/until.ts'
import type { AbuseTarget } from './abuse.ts'
import { ABUSES, ORDINARY } from './abuses.ts'
import type { RoundTrips } from './bystander.ts'
import { missedBounds, type Row } from './report.ts'

const MIB = 1024 * 1024
const GROWTH_MIB = 64
/** Ordinary load before, until memory, caches and compilers are what they are in use. */
const WARMING_SECONDS = 4
const SETTLED_MS = 3000
/** After: until what was closed is gone. */
const SETTLING_MS = 7000
/** What an abuser may take to wind up. */
const ABUSER_END_MS = 10_000
const HEALTH_EVERY_MS = 250
/** When, within the abuse, a collection shows what is held and not merely garbage. */
const HELD_AT = 0.8

export interface Bystander {
  roundTrips(): Promise<RoundTrips>
  stop(): void
}

/** What one abuse takes: the processes beside the abuser's own, and for how long. */
interface AbuseRun {
  readonly name: string
  readonly seconds: number
  readonly gateway: MeasuredGateway
  readonly bystander: Bystander
  readonly target: AbuseTarget
  /** Between the gateway and the broker of the path `/stalled`. */
  readonly tap: Tap
}

export async function startBystander(target: Target, priority: number): Promise<Bystander> {
  const child = program('bystander.ts', [])
  if (process.getuid?.() === 0) setPriority(child.pid as number, priority)
  child.send(target)
  await within(once(child, 'message'), 'the bystander', 30_000)
  return {
    roundTrips: async () => {
      const told = once(child, 'message')
      child.send('tell')
      const [roundTrips] = (await within(told, "the bystander's round trips", 30_000)) as [RoundTrips]
      return roundTrips
    },
    stop: () => child.kill('SIGKILL'),
  }
}

/** Lets the gateway do ordinary work, abuses it, and waits for what is left. */
export async function runAbuse(run: AbuseRun): Promise<Row> {
  const { name, gateway, bystander } = run
  await startAbuser({ ...run, name: ORDINARY, seconds: WARMING_SECONDS }).outcomes()
  await pause(SETTLED_MS)
  const before = await gateway.measure()
  const countersBefore = await gateway.counters()
  await bystander.roundTrips()
  const startedMs = performance.now()
  gateway.forgetPeak()
  await gateway.measure({ collects: false })

  const health = watchHealth(gateway.adminUrl)
  const abuser = startAbuser(run)
  await pause(run.seconds * 1000 * HELD_AT)
  const held = await gateway.measure()
  await pause(run.seconds * 1000 * (1 - HELD_AT))
  const slowestHealthMs = await health.stop()
  const during = await gateway.measure({ collects: false })
  const peakBytes = gateway.peakBytes()
  const passedMs = performance.now() - startedMs
  const roundTrips = await bystander.roundTrips()
  const abuserSaw = await abuser.outcomes()

  await pause(SETTLING_MS)
  const after = await gateway.measure()
  const growthMib = (bytes: number): number => (bytes - before.residentBytes) / MIB
  const row = {
    abuse: name,
    peakGrowthMib: growthMib(peakBytes),
    heldGrowthMib: growthMib(held.residentBytes),
    keptGrowthMib: growthMib(after.residentBytes),
    allowedGrowthMib: ABUSES[name]?.growthMib ?? GROWTH_MIB,
    longestDelayMs: Math.max(held.longestDelayMs, during.longestDelayMs),
    longestOwnDelayMs: Math.max(held.longestOwnDelayMs, during.longestOwnDelayMs),
    waitedMs: during.waitedMs - before.waitedMs,
    processorPart: (during.processorMs - before.processorMs) / passedMs,
    bystander: roundTrips,
    slowestHealthMs,
    abuserSaw,
    gatewayDid: difference(countersBefore, await gateway.counters()),
  }
  return { ...row, missed: missedBounds(row) }
}

/** Starts the abusing process; for a path that stalls, cuts its broker off as soon as the process says that it is there. */
function startAbuser({ name, seconds, target, tap }: AbuseRun): { outcomes(): Promise<Record<string, number>> } {
  const child = program('abuser.ts', [name, String(seconds)])
  const messages: Record<string, number>[] = []
  child.on('message', (message: 'ready' | Record<string, number>) => {
    if (message === 'ready') for (const connection of tap.connections) connection.blackhole()
    else messages.push(message)
  })
  child.send(target)
  const exited = once(child, 'exit')
  return {
    outcomes: async () => {
      // It may be too busy with what it does to notice that its time is over.
      await within(exited, 'the end of the abuser', ABUSER_END_MS).catch(() => child.kill('SIGKILL'))
      for (const { client, target: broker } of tap.connections) for (const end of [client, broker]) end.destroy()
      return messages[0] ?? {}
    },
  }
}

/** Asks for health all the while. */
function watchHealth(adminUrl: string): { stop(): Promise<number> } {
  let slowestMs = 0
  let goesOn = true
  const watching = (async () => {
    while (goesOn) {
      const askedMs = performance.now()
      const isWell = await fetch(`${adminUrl}/health/live`).then(
        ({ ok }) => ok,
        () => false,
      )
      slowestMs = Math.max(slowestMs, isWell ? performance.now() - askedMs : Number.POSITIVE_INFINITY)
      await pause(HEALTH_EVERY_MS)
    }
  })()
  return {
    stop: async () => {
      goesOn = false
      await watching
      return slowestMs
    },
  }
}

/** What the gateway refused and ended meanwhile. */
function difference(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Record<string, number> {
  const wanted = /^gatehouse_(refusals|connections_dropped|session_ends|sessions_opened)_total/
  const grown = [...after]
    .filter(([name]) => wanted.test(name))
    .map(
      ([name, count]) =>
        [
          name
            .replace(wanted, '$1')
            .replace(/[{}"]|\w+=/g, ' ')
            .trim(),
          count - (before.get(name) ?? 0),
        ] as const,
    )
  return Object.fromEntries(grown.filter(([, count]) => count > 0))
}

function program(file: string, args: readonly string[]): ChildProcess {
  return fork(new URL(file, import.meta.url), args, { execArgv: ['--import', 'tsx'] })
}
