/** The files of a page that uses `amqp-gatehouse/browser`: the helper minified, the unmodified client beside it. */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { FrontFile } from './front.ts'
import { pageCode } from './page-code.ts'

const HELPER = fileURLToPath(new URL('../../browser/gatehouse.ts', import.meta.url))

/** As users have it at most: what a bundler makes of it. */
export async function minifiedHelper(): Promise<Uint8Array> {
  const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false } as const
  const { outputFiles } = await build({ ...options, entryPoints: [HELPER] })
  return outputFiles[0]?.contents ?? new Uint8Array()
}

/** Path → file: `/gatehouse.js`, `/amqp-websocket-client.mjs`, and a page without anything at `/`. */
export async function gateCode(): Promise<Record<string, FrontFile>> {
  return { ...(await pageCode()), '/gatehouse.js': { type: 'text/javascript', body: await minifiedHelper() } }
}
