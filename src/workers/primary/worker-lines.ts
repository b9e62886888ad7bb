/**
 * The log of one worker on its way into the log of the whole gateway: whole lines only, in order, and never more of them in
 * memory than fit. Where the log's reader does not read, nothing is taken from the worker, which then finds out as one process
 * does: audit events that cannot be written count as lost there, or end their session.
 */
import type { Readable } from 'node:stream'
import type { Lines } from '../../ops/log.ts'

/** Texts are cut long before: what is longer is no line. */
const LONGEST_LINE = 1024 * 1024
/** Between attempts, where nobody reads. */
const RETRY_MS = 100

/** Resolves once the worker's output has ended and all of it is written. A part of a line, as a killed worker leaves it, is none. */
export async function passLines(from: Readable, to: Lines): Promise<void> {
  from.setEncoding('utf8')
  let rest = ''
  for await (const chunk of from as AsyncIterable<string>) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_LINE) rest = ''
    for (const line of lines) await write(`${line}\n`, to)
  }
}

async function write(line: string, to: Lines): Promise<void> {
  while (to.write(line) === false) {
    await to.flush?.()
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref())
  }
}
