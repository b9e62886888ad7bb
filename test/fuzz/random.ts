/** Chance that can be had again: a generator with a seed, and the ways in which bytes are spoilt. */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 up to, and without, `below`. (mulberry32) */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }

  /** One that will say the same as this one from here on. */
  copy(): Random {
    return new Random(this.#state)
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    for (let at = 0; at < count; at++) bytes[at] = this.below(256)
    return bytes
  }

  /** A string of so many characters at most from an alphabet that policies care about. */
  text(most: number): string {
    const alphabet = [
      'a',
      'b',
      '.',
      '*',
      '#',
      '?',
      '-',
      '_',
      '%',
      '$',
      '{',
      '}',
      '\\',
      '(',
      '\0',
      '\n',
      'é',
      '\u{1f600}',
      'Z',
      '9',
    ]
    return Array.from({ length: this.below(most + 1) }, () => this.pick(alphabet)).join('')
  }
}

const TELLING = [0, 1, 0x7f, 0x80, 0xce, 0xff]

/** A spoilt copy of some bytes: flipped, overwritten, cut, doubled, or with a length field that lies. */
export function spoilt(original: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(original)
  for (let round = random.below(3); round >= 0; round--) {
    if (bytes.length === 0) return bytes
    const at = random.below(bytes.length)
    switch (random.below(6)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
        break
      case 1:
        bytes[at] = random.pick(TELLING)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at)])
        break
      case 4:
        bytes = Buffer.concat([bytes, bytes.subarray(at)])
        break
      default:
        if (at + 4 <= bytes.length) bytes.writeUInt32BE(random.pick([0, 1, bytes.length, 0x7fff_ffff, 0xffff_ffff]), at)
    }
  }
  return bytes
}
