/**
 * What the garbage collector is told. Messages pass through buffers outside of the heap, which V8 counts as its growth:
 * once it has seen little of the heap survive, it marks all of it anew for every 16 MB that have passed, which takes
 * twice the time that relaying messages of 64 KiB does. The heap may therefore always grow to four times of what
 * survived, as V8 lets it where collections are rare. docs/performance.md has the figures.
 */
import { setFlagsFromString } from 'node:v8'

/** For a process that is a gateway and nothing else: it holds for all that runs in it. */
export function collectLessOften(): void {
  setFlagsFromString('--heap-growing-percent=300')
}
