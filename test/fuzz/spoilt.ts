/** The ways in which bytes are spoilt: by accident, by a bad client, by an attacker. */
import type { Random } from '../support/random.ts'

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
