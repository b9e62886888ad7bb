/**
 * Reading files that others must not be able to change: the configuration, users, secrets, keys.
 *
 * What is judged is the file that was opened, not its name, so that it cannot be exchanged in between; and the way that its
 * name leads, so that it was not exchanged before.
 */
import type { Stats } from 'node:fs'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { textProblem, withoutMark } from './file-text.ts'
import { wayProblem, wayProblemLater } from './way-to-file.ts'

const WRITABLE_BY_OTHERS = 0o002
const READABLE_BY_OTHERS = 0o004

/** Largest secret file. */
const SECRET_BYTES = 64 * 1024
/** Largest file of certificates, keys or code. */
export const PUBLIC_BYTES = 1024 * 1024

/** A named pipe would keep whoever opens it waiting for its writer, and the whole process with it: it is judged instead. [open(2)] */
const AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK

function judge(stats: Stats, limitBytes: number): string | undefined {
  if (!stats.isFile()) return 'expected a file; this is something else'
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) return 'refused: everybody may write to this file (chmod o-w)'
  if (stats.size > limitBytes) return `expected a file of at most ${limitBytes} bytes`
  return undefined
}

/** Why a file could not be opened, without its contents. */
function openProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'no such file',
    EACCES: 'this process may not read the file',
    EISDIR: 'this is a folder',
  }
  return words[code] ?? `the file cannot be read (${code})`
}

export type ProtectedFile = { readonly bytes: Buffer; readonly readable: boolean } | { readonly problem: string }

/** The bytes of the file, and whether everybody may read it; or why it is refused. */
export function protectedBytes(path: string, limitBytes = SECRET_BYTES): ProtectedFile {
  let descriptor: number
  try {
    descriptor = openSync(path, AT_ONCE)
  } catch (error) {
    return { problem: openProblem(error) }
  }
  try {
    const stats = fstatSync(descriptor)
    const problem = judge(stats, limitBytes) ?? wayProblem(resolve(path))
    if (problem !== undefined) return { problem }
    return { bytes: readFileSync(descriptor), readable: (stats.mode & READABLE_BY_OTHERS) !== 0 }
  } catch (error) {
    return { problem: openProblem(error) }
  } finally {
    closeSync(descriptor)
  }
}

/**
 * A file of certificates, or the key to one, at the start and on a reload. The configuration's check looks at it too, but
 * somebody may exchange it in between.
 * @throws Error with a text for operators.
 */
export function certificateBytes(path: string): Buffer {
  const file = protectedBytes(path, PUBLIC_BYTES)
  if ('problem' in file) throw new Error(`${path}: ${file.problem}`)
  return file.bytes
}

/** The bytes of a file as text, without a byte order mark; bytes that are not UTF-8 refuse it. */
export function protectedText(
  path: string,
  limitBytes: number,
): { text: string; readable: boolean } | { problem: string } {
  const file = protectedBytes(path, limitBytes)
  if ('problem' in file) return file
  const problem = textProblem(file.bytes)
  if (problem !== undefined) return { problem }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(file.bytes), readable: file.readable }
  } catch {
    return { problem: 'expected text in UTF-8' }
  }
}

/**
 * Reads a file of text while the gateway runs, under the same conditions as at its start. The buffer is the caller's; a byte
 * order mark is not in it.
 * @throws Error with a text for operators.
 */
export async function readProtected(path: string): Promise<Buffer> {
  const handle = await open(path, AT_ONCE).catch((error: unknown) => {
    throw new Error(`${path}: ${openProblem(error)}`, { cause: error })
  })
  try {
    const problem = judge(await handle.stat(), SECRET_BYTES) ?? (await wayProblemLater(resolve(path)))
    if (problem !== undefined) throw new Error(`${path}: ${problem}`)
    const bytes = await handle.readFile()
    const noText = textProblem(bytes)
    if (noText === undefined) return withoutMark(bytes)
    bytes.fill(0)
    throw new Error(`${path}: ${noText}`)
  } finally {
    await handle.close()
  }
}
