/** How targets are fed: bytes in pieces to a frame reader, frames to a judge; and what a judge may say. */
import { strict as assert } from 'node:assert/strict'
import type { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { ChannelFault, ConnectionFault } from '../../proxy/index.ts'
import type { Random } from '../support/random.ts'

/** Small, so that what is too large is made often and costs little; larger than the smallest body in parts. */
export const FRAME_MAX_BYTES = 8192

const PIECES_MAX = 6
const TINY_BYTES = 8
/** More of them than a body may come in before it is put together after all. */
const CRUMB_BYTES = { least: 20, most: 200 }

/** How much of an input was judged before the stream broke. */
export interface Fed {
  /** At least 1. */
  readonly frames: number
  /** Of these, bodies that were handed out in parts. */
  readonly inParts: number
}

export const FED_ONE: Fed = { frames: 1, inParts: 0 }

/** Feeds pieces to a reader and tells the judge of every frame, until the stream is broken. */
export function feed(pieces: readonly Buffer[], reader: FrameReader, judge: (reader: FrameReader) => void): Fed {
  let frames = 0
  let inParts = 0
  try {
    for (const piece of pieces) {
      reader.push(piece)
      while (reader.next()) {
        frames++
        if (reader.earlier.length > 0) inParts++
        judge(reader)
      }
      assert.ok(reader.pendingBytes <= FRAME_MAX_BYTES, 'more is kept than one frame')
    }
  } catch (error) {
    bearable(error)
  }
  return { frames: Math.max(frames, 1), inParts }
}

/** @throws what is no fault of the protocol */
export function bearable(error: unknown): void {
  if (!(error instanceof ConnectionFault) && !(error instanceof ChannelFault)) throw error
}

/** Copies, as a network may cut them: in one piece, in a few, some of them tiny, or now and then in crumbs. */
export function cut(input: Buffer, random: Random): Buffer[] {
  if (input.length < 2 || random.chance(3)) return [Buffer.from(input)]
  const places = random.chance(12) ? crumbs(input.length, random) : fewPlaces(input.length, random)
  const pieces = [0, ...places].map((place, at) => Buffer.from(input.subarray(place, places[at])))
  return pieces.filter(({ length }) => length > 0)
}

function crumbs(length: number, random: Random): number[] {
  const crumbBytes = CRUMB_BYTES.least + random.below(CRUMB_BYTES.most - CRUMB_BYTES.least)
  return Array.from({ length: Math.floor(length / crumbBytes) }, (_, at) => (at + 1) * crumbBytes)
}

/** In ascending order; some close behind the one before. */
function fewPlaces(length: number, random: Random): number[] {
  const places: number[] = []
  for (let more = 1 + random.below(PIECES_MAX - 1); more > 0; more--) {
    const last = places.at(-1)
    places.push(last === undefined || !random.chance(3) ? random.below(length) : last + 1 + random.below(TINY_BYTES))
  }
  return places.sort((a, b) => a - b)
}
