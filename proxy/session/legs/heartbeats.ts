/**
 * When a leg owes its peer a heartbeat: at most half of the agreed interval passes without a byte, as RabbitMQ has it, since
 * there are peers that wait for one interval only. [AMQP §4.2.7]
 *
 * A session is only looked at now and then. So a heartbeat is due when the silence would last too long at the next look; and
 * a write between two looks counts from the earlier of them.
 */
export class Heartbeats {
  /** Something has been written since the last look. */
  hasWritten = false
  #writtenMs = 0
  #lookedMs = 0

  /** To be asked at each look. @param nextMs when the next look will be at the latest */
  isDue(seconds: number, nowMs: number, nextMs: number): boolean {
    // The first look is when the session has just been opened, or before there are heartbeats.
    if (this.#lookedMs === 0) this.#writtenMs = nowMs
    else if (this.hasWritten) this.#writtenMs = this.#lookedMs
    this.hasWritten = false
    this.#lookedMs = nowMs
    return seconds > 0 && nextMs - this.#writtenMs > (seconds * 1000) / 2
  }
}
