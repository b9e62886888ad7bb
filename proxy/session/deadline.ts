/** One deadline at a time: arming another takes the place of the one before. Met or dropped, it keeps nothing. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined

  arm(ms: number, expired: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(expired, ms)
  }

  drop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
