// Serves the page, and passes on what is for the gateway: a login needs one address for both.
import { readFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'

const GATEWAY = { host: '127.0.0.1', port: 8080 }
const TYPES = {
  'index.html': 'text/html',
  'page.js': 'text/javascript',
  'amqp-websocket-client.mjs': 'text/javascript',
  'gatehouse.js': 'text/javascript',
}

const server = createServer(async (asked, answer) => {
  if (asked.url.startsWith('/auth/')) return passOn(asked, answer)
  const name = asked.url === '/' ? 'index.html' : asked.url.slice(1)
  if (!Object.hasOwn(TYPES, name)) return answer.writeHead(404).end()
  answer.writeHead(200, { 'content-type': TYPES[name] }).end(await readFile(name))
})

function passOn(asked, answer) {
  const { method, url: path, headers } = asked
  const passed = request({ ...GATEWAY, method, path, headers }, (said) => {
    answer.writeHead(said.statusCode, said.headers)
    said.pipe(answer)
  })
  passed.on('error', () => answer.writeHead(502).end())
  asked.pipe(passed)
}

// The WebSocket: its head as it arrived, then the bytes of both.
server.on('upgrade', ({ method, url, rawHeaders }, client, head) => {
  const gateway = connect(GATEWAY, () => {
    gateway.write(`${method} ${url} HTTP/1.1\r\n`)
    for (let at = 0; at < rawHeaders.length; at += 2) gateway.write(`${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`)
    gateway.write('\r\n')
    gateway.write(head)
    gateway.pipe(client).pipe(gateway)
  })
  gateway.on('error', () => client.destroy())
  client.on('error', () => gateway.destroy())
})

server.listen(5173, '127.0.0.1', () => console.log('Open http://127.0.0.1:5173'))
