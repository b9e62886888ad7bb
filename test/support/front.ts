/**
 * One host for a page and the gateway, as a reverse proxy makes it: serves the files it is given, and passes everything
 * else on, upgrades too. It listens before there is a gateway, so that both can be told its address.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

export interface FrontFile {
  readonly type: string
  readonly body: string | Uint8Array
}

export class Front {
  /** Where everything goes that is no file; nowhere yet: 502. */
  gatewayPort: number | undefined
  readonly #server: Server
  readonly #files: Readonly<Record<string, FrontFile>>
  readonly #sockets = new Set<Duplex>()

  constructor(files: Readonly<Record<string, FrontFile>> = {}) {
    this.#files = files
    this.#server = createServer((incoming, response) => this.#answer(incoming, response))
    this.#server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket, head))
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  #answer(incoming: IncomingMessage, response: ServerResponse): void {
    const [path = '/'] = (incoming.url ?? '/').split('?')
    const file = this.#files[path]
    if (file !== undefined) {
      response.writeHead(200, { 'content-type': file.type }).end(file.body)
      return
    }
    if (this.gatewayPort === undefined) {
      response.writeHead(502).end()
      return
    }
    const { method, url, rawHeaders } = incoming
    const options = { host: '127.0.0.1', port: this.gatewayPort, method, path: url, headers: rawHeaders }
    const passed = request(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    incoming.pipe(passed)
  }

  #upgrade({ method, url, rawHeaders, httpVersion }: IncomingMessage, socket: Duplex, head: Buffer): void {
    const gateway = connect(this.gatewayPort ?? 0, '127.0.0.1')
    const lines = [`${method} ${url} HTTP/${httpVersion}`]
    for (let index = 0; index < rawHeaders.length; index += 2) {
      lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`)
    }
    gateway.write(`${lines.join('\r\n')}\r\n\r\n`)
    gateway.write(head)
    for (const [end, other] of [
      [socket, gateway],
      [gateway, socket],
    ] as const) {
      this.#sockets.add(end)
      end.on('error', () => other.destroy())
      end.on('close', () => {
        this.#sockets.delete(end)
        other.destroy()
      })
      end.pipe(other)
    }
  }
}
