/** The page code that docs/browsers.md shows, as the files that a test's page imports; and the unmodified client beside it. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { FrontFile } from './front.ts'

const JAVASCRIPT = 'text/javascript'

/** Path → file: `/login.js` and so on, `/amqp-websocket-client.mjs`, and a page without anything at `/`. */
export async function pageCode(): Promise<Record<string, FrontFile>> {
  const docs = await readFile(fileURLToPath(new URL('../../docs/browsers.md', import.meta.url)), 'utf8')
  const files: Record<string, FrontFile> = {}
  for (const [, body = '', name = ''] of docs.matchAll(/^```js\n(\/\/ ([a-z]+\.js)\n.*?)^```$/gms)) {
    files[`/${name}`] = { type: JAVASCRIPT, body }
  }
  const main = createRequire(import.meta.url).resolve('@cloudamqp/amqp-client')
  const client = new URL('../../dist/amqp-websocket-client.mjs', pathToFileURL(main))
  files['/amqp-websocket-client.mjs'] = { type: JAVASCRIPT, body: await readFile(client) }
  files['/'] = { type: 'text/html', body: '<!doctype html><title>App</title><link rel="icon" href="data:,">' }
  return files
}
