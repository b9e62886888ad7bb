/** What a test left behind in this process: sockets, servers and timers that are still open. */
import { until } from './until.ts'

/** The kinds of things that keep the event loop alive, e.g. `TCPSocketWrap`; standard streams and pipes left out. */
function openResources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => !['PipeWrap', 'TTYWrap', 'Immediate', 'TickObject', 'CloseReq', 'FSReqPromise'].includes(kind))
    .sort()
}

/**
 * Remembers what is open now and returns a check that waits until no more than that is open.
 * @throws naming what is left after the deadline
 */
export function watchResidue(): (deadlineMs?: number) => Promise<void> {
  const before = openResources()
  return async (deadlineMs = 5_000) => {
    let left: string[] = []
    await until(
      () => {
        left = without(openResources(), before)
        return left.length === 0 ? 'clean' : undefined
      },
      'everything closed',
      deadlineMs,
    ).catch((cause: unknown) => {
      throw new Error(`left open: ${left.join(', ')}`, { cause })
    })
  }
}

function without(now: readonly string[], before: readonly string[]): string[] {
  const rest = [...before]
  return now.filter((kind) => {
    const at = rest.indexOf(kind)
    if (at !== -1) rest.splice(at, 1)
    return at === -1
  })
}
