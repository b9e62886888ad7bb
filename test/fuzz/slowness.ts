/** Whether something is slow by itself, or the machine was busy. */

/**
 * The least processor time of some more looks at the same, in milliseconds. What throws has been told already and is only
 * timed.
 */
export async function leastProcessorMs(look: () => unknown, looks = 3): Promise<number> {
  let leastMs = Number.POSITIVE_INFINITY
  for (let more = looks; more > 0; more--) {
    const before = process.cpuUsage()
    try {
      await look()
    } catch {}
    const { user, system } = process.cpuUsage(before)
    leastMs = Math.min(leastMs, (user + system) / 1000)
  }
  return leastMs
}
