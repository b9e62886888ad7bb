/**
 * The console at `/console/`: files of the package, the same for everybody. They hold nothing; what the page shows it asks
 * the management API for, with a role.
 */
import type { IncomingMessage } from 'node:http'
import type { Answer } from '../answer.ts'
import { ApiProblem } from '../problem.ts'
import { type PageFile, pageFiles } from './page-files.ts'

const FOLDER = '/console/'

/** Nothing runs and nothing is shown that is not a file of ours, and no text becomes markup. [CSP3, Trusted Types §5] */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

export class Console {
  readonly #isOffered: () => boolean
  #files: Promise<ReadonlyMap<string, PageFile>> | undefined

  /** @param isOffered whether there is an API, without which it is of no use */
  constructor(isOffered: () => boolean) {
    this.#isOffered = isOffered
  }

  /** Whether a path is one of the console's. */
  static has(path: string): boolean {
    return path === '/console' || path.startsWith(FOLDER)
  }

  /** @throws {ApiProblem} 404 or 405 */
  async answer({ method, headersDistinct }: IncomingMessage, path: string): Promise<Answer> {
    if (!this.#isOffered()) throw new ApiProblem(404, 'there is no console here: see admin.authenticate')
    if (method !== 'GET' && method !== 'HEAD')
      throw new ApiProblem(405, 'expected another method', { headers: { Allow: 'GET, HEAD' } })
    // Relative, so that it also holds where a proxy in front has put a prefix before it.
    if (!path.startsWith(FOLDER)) return { status: 308, headers: { Location: 'console/' } }
    this.#files ??= this.#read()
    const name = path.slice(FOLDER.length)
    const file = (await this.#files).get(name === '' ? 'index.html' : name)
    if (file === undefined) throw new ApiProblem(404, 'not found')
    const { type, text, tag } = file
    const headers = {
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': POLICY,
      'Cross-Origin-Opener-Policy': 'same-origin',
      ETag: tag,
    }
    const known = headersDistinct['if-none-match']?.join(',') ?? ''
    return known.includes(tag) ? { status: 304, headers } : { status: 200, type, text, headers }
  }

  /** A failure is not kept: the next request tries again. */
  #read(): Promise<ReadonlyMap<string, PageFile>> {
    return pageFiles().catch((error: unknown) => {
      this.#files = undefined
      throw error
    })
  }
}
