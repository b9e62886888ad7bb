// Serves the files of the page, on this machine only.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

const TYPES = {
  'index.html': 'text/html',
  'page.js': 'text/javascript',
  'amqp-websocket-client.mjs': 'text/javascript',
  'gatehouse.js': 'text/javascript',
}

const server = createServer(async (request, response) => {
  const name = request.url === '/' ? 'index.html' : request.url.slice(1)
  if (!Object.hasOwn(TYPES, name)) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': TYPES[name] }).end(await readFile(name))
})
server.listen(5173, '127.0.0.1', () => console.log('Open http://127.0.0.1:5173'))
