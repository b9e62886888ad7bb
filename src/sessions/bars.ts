/**
 * Who may not come in for the time being, whatever they prove: whoever was sent away a moment ago (a hold), and whoever
 * somebody blocked. It outlives configurations; whoever manages the gateway is not asked about it.
 */
import { randomUUID } from 'node:crypto'
import { type Identity, identityKey } from '../../auth/index.ts'

/** What bars somebody. */
export type Bar = { readonly cause: 'held'; readonly leftMs: number } | { readonly cause: 'blocked' }

export interface Block {
  readonly id: string
  readonly subject: string
  /** Undefined: that subject of every issuer. */
  readonly issuer: string | undefined
  /** In ms since the epoch. */
  readonly untilMs: number
  readonly reason: string
  /** The subject of whoever did it. */
  readonly by: string
}

/** From so many holds on, those that are over are looked for and forgotten. */
const FEW = 1_000
/** More are refused: each is compared with nobody but its own subject, but all are kept in memory. */
const MOST_BLOCKS = 10_000

export class Bars {
  readonly #nowMs: () => number
  /** By `identityKey`: when the hold ends. */
  readonly #holds = new Map<string, number>()
  #sweepAt = FEW
  /** By subject. */
  readonly #blocks = new Map<string, readonly Block[]>()
  #blockCount = 0

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs
  }

  /** What bars somebody, or one of those who vouched for them together. */
  of(identity: Identity): Bar | undefined {
    if (this.#holds.size === 0 && this.#blockCount === 0) return undefined
    const all = [identity, ...(identity.parts ?? [])]
    if (all.some((one) => this.#isBlocked(one))) return { cause: 'blocked' }
    const leftMs = Math.max(...all.map((one) => (this.#holds.get(identityKey(one)) ?? 0) - this.#nowMs()))
    return leftMs > 0 ? { cause: 'held', leftMs } : undefined
  }

  /** Keeps somebody out for a while; a longer hold stays. */
  hold(identity: Identity, forMs: number): void {
    this.holdKey(identityKey(identity), forMs)
  }

  /** The same, by `identityKey`. */
  holdKey(key: string, forMs: number): void {
    if (forMs <= 0) return
    const nowMs = this.#nowMs()
    this.#holds.set(key, Math.max(this.#holds.get(key) ?? 0, nowMs + forMs))
    if (this.#holds.size < this.#sweepAt) return
    for (const [held, untilMs] of this.#holds) if (untilMs <= nowMs) this.#holds.delete(held)
    this.#sweepAt = Math.max(FEW, this.#holds.size * 2)
  }

  /** Those who are kept out for a while: by `identityKey`, until when. */
  *holds(): IterableIterator<readonly [key: string, untilMs: number]> {
    const nowMs = this.#nowMs()
    for (const [key, untilMs] of this.#holds) if (untilMs > nowMs) yield [key, untilMs]
  }

  /** Blocks somebody from now on, in the place of an earlier block of the same person. @returns undefined where there are too many */
  block(who: Pick<Block, 'subject' | 'issuer' | 'reason' | 'by'>, forMs: number): Block | undefined {
    const earlier = this.#lasting(who.subject).find(({ issuer }) => issuer === who.issuer)
    if (earlier === undefined && this.blocks().length >= MOST_BLOCKS) return undefined
    const block: Block = { ...who, id: earlier?.id ?? randomUUID(), untilMs: this.#nowMs() + forMs }
    this.#put(who.subject, [...this.#lasting(who.subject).filter((one) => one !== earlier), block])
    return block
  }

  /** Puts a block into force that was in force before the process began. */
  restore(block: Block): void {
    if (block.untilMs <= this.#nowMs() || this.#blockCount >= MOST_BLOCKS) return
    this.#put(block.subject, [...this.#lasting(block.subject), block])
  }

  /** Those in force. */
  blocks(): readonly Block[] {
    for (const subject of [...this.#blocks.keys()]) this.#put(subject, this.#lasting(subject))
    return [...this.#blocks.values()].flat()
  }

  /** @returns the block that was lifted; undefined where there is none of this id */
  unblock(id: string): Block | undefined {
    const block = this.blocks().find((one) => one.id === id)
    if (block !== undefined)
      this.#put(
        block.subject,
        this.#lasting(block.subject).filter((one) => one !== block),
      )
    return block
  }

  /** Lifts the block of this very person, whatever its id. */
  unblockPerson(subject: string, issuer: string | undefined): void {
    this.#put(
      subject,
      this.#lasting(subject).filter((block) => block.issuer !== issuer),
    )
  }

  #isBlocked({ subject, issuer }: Identity): boolean {
    return this.#lasting(subject).some((block) => block.issuer === undefined || block.issuer === issuer)
  }

  #lasting(subject: string): readonly Block[] {
    const nowMs = this.#nowMs()
    return (this.#blocks.get(subject) ?? []).filter(({ untilMs }) => untilMs > nowMs)
  }

  #put(subject: string, blocks: readonly Block[]): void {
    this.#blockCount += blocks.length - (this.#blocks.get(subject)?.length ?? 0)
    if (blocks.length === 0) this.#blocks.delete(subject)
    else this.#blocks.set(subject, blocks)
  }
}
