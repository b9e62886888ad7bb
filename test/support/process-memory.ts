/** What another process of ours holds in its memory, read as a debugger reads it. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const PIECE_BYTES = 16 * 1024 * 1024

/** All that the process can write to, piece by piece; pieces overlap, so that nothing is cut in two. */
export function* memoryOf(pid: number, overlap = 4_096): Generator<Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      if (from === undefined || to === undefined) continue
      const [start, end] = [BigInt(`0x${from}`), BigInt(`0x${to}`)]
      for (let at = start; at < end; at += BigInt(PIECE_BYTES - overlap)) {
        const piece = Buffer.alloc(Math.min(PIECE_BYTES, Number(end - at)))
        const count = readPiece(memory, piece, at)
        if (count > 0) yield piece.subarray(0, count)
      }
    }
  } finally {
    closeSync(memory)
  }
}

/** 0 where the system does not show it. */
function readPiece(memory: number, piece: Buffer, at: bigint): number {
  try {
    return readSync(memory, piece, 0, piece.length, at)
  } catch {
    return 0
  }
}

/** The names of those that are in its memory, as `formsIn` has it. */
export function heldBy(pid: number, secrets: Readonly<Record<string, string | Buffer>>): string[] {
  return formsIn(memoryOf(pid), secrets)
}

/** The names of those that are there, in a form in which software holds bytes: as they are, in UTF-16, Base64, hexadecimal. */
export function formsIn(pieces: Iterable<Buffer>, secrets: Readonly<Record<string, string | Buffer>>): string[] {
  const wanted = Object.entries(secrets).flatMap(([name, secret]) => {
    const bytes = Buffer.from(secret)
    const base64 = [0, 1, 2].map((offset) => {
      const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
      return Buffer.from(text.slice(offset === 0 ? 0 : 4, -4))
    })
    return [bytes, Buffer.from(bytes.toString(), 'utf16le'), Buffer.from(bytes.toString('hex')), ...base64].map(
      (form) => ({
        name,
        form,
      }),
    )
  })
  const found = new Set<string>()
  for (const piece of pieces) for (const { name, form } of wanted) if (piece.includes(form)) found.add(name)
  return [...found].sort()
}
