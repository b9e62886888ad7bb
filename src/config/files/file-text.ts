/**
 * Files that hold text: secrets, users, keys, the configuration. Editors and shells of Windows write a byte order mark in
 * front, or UTF-16: neither may become a part of a password. [YAML 1.2.2 §5.2; RFC 3629 §6]
 */

const MARK = Buffer.from([0xef, 0xbb, 0xbf])
const UTF_16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])]

/** The same bytes without a byte order mark; no copy. */
export function withoutMark(bytes: Buffer): Buffer {
  return startsWith(bytes, MARK) ? bytes.subarray(MARK.length) : bytes
}

/** Why these bytes are no text that can be read; `undefined` where they may be. */
export function textProblem(bytes: Buffer): string | undefined {
  if (UTF_16_MARKS.some((mark) => startsWith(bytes, mark))) return 'expected text in UTF-8: this is UTF-16'
  return bytes.includes(0) ? 'expected text in UTF-8: this has NUL in it, as UTF-16 has' : undefined
}

function startsWith(bytes: Buffer, mark: Buffer): boolean {
  return bytes.subarray(0, mark.length).equals(mark)
}
