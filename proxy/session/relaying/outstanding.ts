/**
 * Numbered things of which one side has yet to settle some: deliveries that await their acknowledgement, publishes that
 * await their confirm. Numbers are given in rising order and mostly settled in it, one by one or all up to one at once.
 * [AMQP §1.8.3.12, RabbitMQ: publisher confirms]
 *
 * Counted for each message, so nothing is allocated while they are settled in order.
 */

/** How many numbers may be remembered that were settled before earlier ones: for all channels of a session together. */
export class EarlyRoom {
  #left = 65_536

  take(): boolean {
    if (this.#left === 0) return false
    this.#left--
    return true
  }

  give(count: number): void {
    this.#left += count
  }
}

export class Outstanding {
  readonly #room: EarlyRoom
  /** The highest that was given. */
  #last = 0
  /** Everything up to this one is settled. */
  #settledTo = 0
  /** Settled ones above it; made when first needed. */
  #early: Set<number> | undefined
  /** Which of them are left is not known, until all are settled at once. */
  #isUncertain = false

  constructor(room: EarlyRoom) {
    this.#room = room
  }

  /** Whether everything is settled, for certain. */
  get isNone(): boolean {
    return this.#settledTo === this.#last && !this.#isUncertain
  }

  /** The next number is given. */
  next(): void {
    this.#last++
  }

  /** This number is given; what lies between the last one and it is nobody's. */
  given(tag: number): void {
    if (tag === this.#last + 1) {
      this.#last = tag
      return
    }
    if (tag <= this.#last) return
    if (this.isNone) this.#settledTo = tag - 1
    else for (let between = this.#last + 1; between < tag && !this.#isUncertain; between++) this.#settleEarly(between)
    this.#last = tag
  }

  /** @param isMultiple all up to it, too; 0 stands for all there are then */
  settle(tag: number, isMultiple: boolean): void {
    if (isMultiple) this.#settleTo(tag === 0 ? this.#last : tag)
    else if (tag <= this.#settledTo || tag > this.#last) return
    else if (tag === this.#settledTo + 1) this.#settledTo = tag
    else this.#settleEarly(tag)
    if (this.#early !== undefined && this.#early.size > 0) this.#catchUp()
  }

  /** What was settled may not have been: nothing is certain until all are settled at once. */
  lose(): void {
    this.forget()
    this.#isUncertain = true
  }

  /** Gives back the room that it takes. */
  forget(): void {
    this.#room.give(this.#early?.size ?? 0)
    this.#early = undefined
  }

  #settleTo(tag: number): void {
    if (tag >= this.#last) this.#isUncertain = false
    const to = Math.min(tag, this.#last)
    if (to <= this.#settledTo) return
    if (this.#early !== undefined && this.#early.size > 0)
      for (let settled = this.#settledTo + 1; settled <= to; settled++) this.#release(settled)
    this.#settledTo = to
  }

  #settleEarly(tag: number): void {
    if (this.#isUncertain) return
    this.#early ??= new Set()
    if (this.#early.has(tag)) return
    if (this.#room.take()) this.#early.add(tag)
    else this.lose()
  }

  #catchUp(): void {
    while (this.#release(this.#settledTo + 1)) this.#settledTo++
  }

  #release(tag: number): boolean {
    if (this.#early?.delete(tag) !== true) return false
    this.#room.give(1)
    return true
  }
}
