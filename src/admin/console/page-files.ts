/** The console's files: those that the build made, or made now where the gateway runs from its sources. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

export interface PageFile {
  readonly type: string
  readonly text: string
  /** Changes whenever the text does. [RFC 9110 §8.8.3] */
  readonly tag: string
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
}

/** By their names. */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const texts = import.meta.filename.endsWith('.ts') ? await (await import('./bundle.ts')).bundle() : await builtFiles()
  return new Map(
    [...texts].map(([name, text]) => {
      const type = TYPES[extname(name)] ?? 'application/octet-stream'
      return [name, { type, text, tag: `"${createHash('sha256').update(text).digest('base64url')}"` }]
    }),
  )
}

async function builtFiles(): Promise<ReadonlyMap<string, string>> {
  const folder = join(import.meta.dirname, 'page')
  const read = async (name: string): Promise<[string, string]> => [name, await readFile(join(folder, name), 'utf8')]
  return new Map(await Promise.all((await readdir(folder)).map(read)))
}
