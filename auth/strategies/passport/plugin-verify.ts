/**
 * The operator's verify function, as a strategy gets it. Strategies call it with different arguments and most ignore
 * its result, so each call is watched here: it may answer through `done` or by a promise, it answers once, and an error
 * in it refuses one request instead of ending the process.
 */

type Callback = (...answer: unknown[]) => unknown

/** The same function with those promises kept. Strategies that look at its number of parameters find the operator's. */
export function watchedVerify(verify: Callback): Callback {
  const watched = function (this: unknown, ...input: unknown[]): void {
    const place = input.findLastIndex((one) => typeof one === 'function')
    const done = place === -1 ? undefined : (input[place] as Callback)
    if (done === undefined) throw new Error('the strategy calls `verify` without a function to answer to')
    const answer = onlyOnce(done)
    const toPass = input.with(place, answer.give)
    try {
      const returned: unknown = Reflect.apply(verify, this, toPass)
      // Without a parameter `done`, nothing is an answer, too: nobody.
      const nobody = endsBefore(verify.length, place) ? false : undefined
      if (returned instanceof Promise)
        returned.then((user: unknown) => answer.giveUnless(user === undefined ? nobody : user), answer.give)
      else if (!answer.given() && misfits(verify.length, place, input.length)) answer.give(misfit(verify.length, input))
    } catch (error) {
      answer.give(error)
    }
  }
  return Object.defineProperty(watched, 'length', { value: verify.length })
}

interface Answer {
  readonly give: Callback
  /** What a promise resolved to: nothing means that the answer is given through `done`. */
  readonly giveUnless: (user: unknown) => void
  readonly given: () => boolean
}

function onlyOnce(done: Callback): Answer {
  let isGiven = false
  const give = (error?: unknown, ...rest: unknown[]): void => {
    if (isGiven) return
    isGiven = true
    done(error, ...rest)
  }
  return {
    give,
    giveUnless: (user) => {
      if (user !== undefined) give(null, user)
    },
    given: () => isGiven,
  }
}

/** One that ends before `done` cannot answer, except by a promise. A function without parameters reads `arguments`. */
function endsBefore(length: number, place: number): boolean {
  return length > 0 && length <= place
}

function misfits(length: number, place: number, count: number): boolean {
  return endsBefore(length, place) || length > count
}

function misfit(length: number, input: readonly unknown[]): Error {
  const given = input.map((one) => (typeof one === 'function' ? 'done' : kindOf(one)))
  return new Error(
    `\`verify\` has ${length} parameters, but the strategy calls it with ${input.length}: (${given.join(', ')}); ` +
      'the request is among them where the option `passReqToCallback` is true',
  )
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value
  return 'headers' in value ? 'request' : 'object'
}
