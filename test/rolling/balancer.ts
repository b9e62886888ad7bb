/** deploy/haproxy/gatehouse.cfg in front of four places for gateways, and its word on which of them it sends clients to. */
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { frontFile, GATEWAY_ADDRESSES } from '../support/front-file.ts'
import { type ReverseProxy, startHaproxyFile } from '../support/reverse-proxy.ts'
import { until } from '../support/until.ts'

/** Three gateways, and one more while the next one is coming. */
export const PLACES = [...GATEWAY_ADDRESSES, '127.0.0.22', '127.0.0.23'] as const

export interface BalancerPorts {
  readonly front: number
  readonly gateway: number
  readonly admin: number
}

export class Balancer {
  readonly #proxy: ReverseProxy
  readonly #control: string

  private constructor(proxy: ReverseProxy, control: string) {
    this.#proxy = proxy
    this.#control = control
  }

  /** @param pem certificate and key in one file @param control where its own socket may be made */
  static async start(ports: BalancerPorts, pem: string, control: string): Promise<Balancer> {
    const { text } = frontFile('haproxy/gatehouse.cfg', ports, [
      [/\/etc\/haproxy\/\w+\.pem/g, pem],
      [/^global$/gm, `global\n  stats socket ${control} mode 600`],
      [/^ {2}log-format .*$/gm, '  option dontlog-normal'],
    ])
    const more = PLACES.slice(GATEWAY_ADDRESSES.length).map(
      (host, at) => `  server gate${at + GATEWAY_ADDRESSES.length + 1} ${host}:${ports.gateway}\n`,
    )
    return new Balancer(await startHaproxyFile(ports.front, text + more.join('')), control)
  }

  /** Waits until it sends clients to this place, or none any more. @param place from 0 */
  async sees(place: number, isUp: boolean): Promise<void> {
    const wanted = isUp ? 'UP' : 'DOWN'
    await until(
      async () => (await this.#status(`gate${place + 1}`)).startsWith(wanted),
      `gate${place + 1} ${wanted}`,
      60_000,
    )
  }

  async stop(): Promise<void> {
    await this.#proxy.stop()
    await rm(this.#control, { force: true })
  }

  /** The column `status` of the line of a server. */
  async #status(server: string): Promise<string> {
    const socket = connect(this.#control)
    await once(socket, 'connect')
    socket.end('show stat\n')
    let text = ''
    for await (const part of socket) text += String(part)
    const [head = '', ...lines] = text.split('\n')
    const column = head.split(',').indexOf('status')
    const line = lines.map((one) => one.split(',')).find(([, name]) => name === server)
    return line?.[column] ?? ''
  }
}
