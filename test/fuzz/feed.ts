/** How targets are fed: bytes in pieces to a frame reader, frames to a judge; and what a judge may say. */
import { strict as assert } from 'node:assert/strict'
import { FrameReader } from '../../proxy/codec/frame.ts'
import { ChannelFault, ConnectionFault } from '../../proxy/index.ts'
import type { Random } from './random.ts'

const FRAME_MAX_BYTES = 8192

/** Feeds pieces to a reader and every frame to a judge, until the stream is broken. Returns how many were judged. */
export function feed(pieces: readonly Buffer[], judge: (reader: FrameReader) => void): number {
  const reader = new FrameReader(FRAME_MAX_BYTES)
  let judged = 0
  try {
    for (const piece of pieces) {
      reader.push(piece)
      while (reader.next()) {
        judged++
        judge(reader)
      }
      assert.ok(reader.pendingBytes <= FRAME_MAX_BYTES, 'more is kept than one frame')
    }
  } catch (error) {
    bearable(error)
  }
  return Math.max(judged, 1)
}

/** @throws what is no fault of the protocol */
export function bearable(error: unknown): void {
  if (!(error instanceof ConnectionFault) && !(error instanceof ChannelFault)) throw error
}

/** Copies, in one piece or two. */
export function cut(input: Buffer, random: Random): Buffer[] {
  if (input.length < 2 || random.chance(2)) return [Buffer.from(input)]
  const at = 1 + random.below(input.length - 1)
  return [Buffer.from(input.subarray(0, at)), Buffer.from(input.subarray(at))]
}
