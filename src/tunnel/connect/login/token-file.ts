/** A file with one token, which somebody else replaces before the token ends: a mounted secret, an agent's file. */
import { open } from 'node:fs/promises'
import { LoginFailed } from './login.ts'
import type { BearerSource } from './token.ts'
import { bearer } from './token-life.ts'

const LARGEST_BYTES = 64 * 1024
/** Watching would miss what mounts do: they exchange the folder that a link leads to. */
const POLL_MS = 2_000

export function tokenFile(path: string): BearerSource {
  return { kind: 'token file', pollMs: POLL_MS, read: async () => bearer(await firstWord(path)) }
}

/** A token, or a password: what stands in a file, without the line's end. @throws LoginFailed */
export async function firstWord(path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const buffer = Buffer.alloc(LARGEST_BYTES + 1)
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
      if (bytesRead > LARGEST_BYTES) throw new LoginFailed(`${path} is larger than ${LARGEST_BYTES} bytes`)
      const text = buffer.toString('utf8', 0, bytesRead).trim()
      buffer.fill(0)
      if (text === '') throw new LoginFailed(`${path} is empty`)
      return text
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof LoginFailed) throw error
    throw new LoginFailed(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
