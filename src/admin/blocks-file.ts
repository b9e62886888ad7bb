/**
 * Blocks in a file, so that they survive a restart. The file is written as a whole next to the old one and then takes its
 * place; nobody but this user may read it. One that cannot be read as it was written refuses the start: who is blocked must
 * not come in because a file broke.
 */
import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { protectedText } from '../config/files/protected-file.ts'
import { ConfigError } from '../config/reading/problems.ts'
import type { Bars, Block } from '../sessions/bars.ts'

const MOST_BYTES = 16 * 1024 * 1024
const VERSION = 1

const schema = z.strictObject({
  version: z.literal(VERSION),
  blocks: z.array(
    z.strictObject({
      id: z.uuid(),
      subject: z.string().min(1),
      issuer: z.string().min(1).optional(),
      until: z.iso.datetime(),
      reason: z.string(),
      by: z.string(),
    }),
  ),
})

/** They are in force, and end with this process. */
export class BlocksNotKept extends Error {
  override readonly name = 'BlocksNotKept'
}

export class BlocksFile {
  readonly #path: string
  readonly #bars: Bars
  /** One write after the other: the last one has what is in force. */
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, bars: Bars) {
    this.#path = path
    this.#bars = bars
  }

  /**
   * Puts the blocks of the file into force, and sees to it that it can be written; where there is none it is made.
   * @throws {ConfigError} where it is broken, or others may change it, or it cannot be written
   */
  static async open(path: string, bars: Bars): Promise<BlocksFile> {
    for (const block of readBlocks(path)) bars.restore(block)
    const file = new BlocksFile(path, bars)
    try {
      await file.save()
    } catch (error) {
      throw problem(path, error instanceof Error ? error.message : String(error), error)
    }
    return file
  }

  /** Writes those in force. @throws {BlocksNotKept} */
  async save(): Promise<void> {
    const saved = this.#writing.then(async () => await this.#write())
    this.#writing = saved.catch(() => undefined)
    await saved
  }

  async #write(): Promise<void> {
    const blocks = this.#bars
      .blocks()
      .map(({ untilMs, ...block }) => ({ ...block, until: new Date(untilMs).toISOString() }))
    const next = `${this.#path}.next`
    try {
      await replace(next, this.#path, `${JSON.stringify({ version: VERSION, blocks }, undefined, 2)}\n`)
    } catch (error) {
      await rm(next, { force: true }).catch(() => undefined)
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      throw new BlocksNotKept(`the file of blocks cannot be written (${code})`, { cause: error })
    }
  }
}

/** Those that a file holds; none where there is no file. @throws {ConfigError} */
export function readBlocks(path: string): readonly Block[] {
  const file = protectedText(path, MOST_BYTES)
  if ('problem' in file) {
    if (file.problem === 'no such file') return []
    throw problem(path, file.problem)
  }
  const parsed = schema.safeParse(jsonOf(file.text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const place = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
    throw problem(path, `expected blocks as the gateway writes them${place}: put a copy back, or move the file away`)
  }
  return parsed.data.blocks.map(({ until, issuer, ...block }) => ({ ...block, issuer, untilMs: Date.parse(until) }))
}

/** The new content is on the disk before it takes the old one's place, and so is the name. */
async function replace(next: string, path: string, text: string): Promise<void> {
  const file = await open(
    next,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    0o600,
  )
  try {
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(next, path)
  const folder = await open(dirname(path), constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function problem(path: string, message: string, cause?: unknown): ConfigError {
  return new ConfigError([{ path: 'blocks', message: `${path}: ${message}` }], { cause })
}

/** Undefined is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
