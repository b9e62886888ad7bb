/**
 * The floor of this stack: WebSocket messages to a TCP socket and back, with backpressure, and nothing else. No frames,
 * no identity, no limits. Run as a process of its own, as a script without a file, so that host and port of the broker are
 * the last arguments and not the third and fourth; prints its port.
 */
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { WebSocketServer } from 'ws'

const HIGH_BYTES = 256 * 1024

const [host = '127.0.0.1', port = '5672'] = process.argv.slice(-2)
const server = createServer()
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })

server.on('upgrade', (request, stream, head) => {
  sockets.handleUpgrade(request, stream, head, (webSocket) => {
    const broker = connect({ host, port: Number(port), noDelay: true })
    webSocket.on('message', (data: Buffer) => {
      if (!broker.write(data) && !webSocket.isPaused) {
        webSocket.pause()
        broker.once('drain', () => webSocket.resume())
      }
    })
    broker.on('data', (chunk) => {
      webSocket.send(chunk, () => {
        if (broker.isPaused() && webSocket.bufferedAmount < HIGH_BYTES / 2) broker.resume()
      })
      if (webSocket.bufferedAmount > HIGH_BYTES) broker.pause()
    })
    webSocket.on('close', () => broker.destroy()).on('error', () => broker.destroy())
    broker.on('close', () => webSocket.close()).on('error', () => webSocket.terminate())
  })
})
process.stdin.on('end', () => process.exit()).resume()
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)
})
