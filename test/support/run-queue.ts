/**
 * How long this process has been kept from running by others: what a deadline has to be forgiven on a busy machine, where
 * gateway and clients of a test share one thread. Linux keeps the account; elsewhere nothing is forgiven.
 */
import { readFileSync } from 'node:fs'

/** Milliseconds that the main thread has been ready to run and was not let, since it started. */
export function waitedForProcessorMs(): number {
  try {
    const [, waitedNs] = readFileSync('/proc/self/schedstat', 'utf8').split(' ')
    return Number(waitedNs) / 1e6
  } catch {
    return 0
  }
}
