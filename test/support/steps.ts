/** The steps of this process, and something done at one of them: what a moment later or earlier would never meet. */
import { createHook, executionAsyncResource } from 'node:async_hooks'

export interface Steps {
  /** How many there were. */
  readonly count: number
  stop(): void
}

/**
 * A step is a callback of the event loop or the continuation of a promise: whatever is decided at an `await` may have changed
 * when the next step begins. The same scene takes nearly the same steps each time.
 * @param act called before that step, from 0. It must not throw: Node ends the process
 */
export function atStep(step: number, act: () => void): Steps {
  let count = 0
  const hook = createHook({
    before() {
      // Node itself may not be disturbed between a callback's beginning and its code.
      if (count === step && executionAsyncResource() instanceof Promise) act()
      else if (count === step) queueMicrotask(act)
      count += 1
    },
  })
  hook.enable()
  return {
    get count() {
      return count
    },
    stop: () => void hook.disable(),
  }
}
