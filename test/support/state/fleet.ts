/** Gateways of one store as processes of their own, behind HAProxy, which gives each request to the next of them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../../src/demo/processes.ts'
import type { ConfigInput } from '../../../src/index.ts'
import { CommandProcess } from '../command-process.ts'
import { type ReverseProxy, startHaproxy } from '../reverse-proxy.ts'
import { until } from '../until.ts'

export class GatewayFleet {
  readonly gateways: readonly CommandProcess[]
  /** Where HAProxy listens. */
  readonly port: number
  readonly #proxy: ReverseProxy
  readonly #file: string

  private constructor(gateways: readonly CommandProcess[], port: number, proxy: ReverseProxy, file: string) {
    this.gateways = gateways
    this.port = port
    this.#proxy = proxy
    this.#file = file
  }

  /** @param folder for their configuration */
  static async start(config: ConfigInput, count: number, folder: string): Promise<GatewayFleet> {
    const file = join(folder, 'gatehouse.yaml')
    // JSON is YAML.
    await writeFile(file, JSON.stringify(config), { mode: 0o600 })
    const gateways = Array.from({ length: count }, () => new CommandProcess(['serve', '-c', file], {}))
    try {
      const urls = await Promise.all(gateways.map((one) => one.url()))
      const servers = urls.map((url, index) => `  server gate${index + 1} ${new URL(url).host}`)
      const [port = 0] = await freePorts(1)
      const lines = [
        ...['frontend gate', '  mode http', `  bind 127.0.0.1:${port}`, '  default_backend gatehouse'],
        ...['backend gatehouse', '  mode http', '  balance roundrobin', ...servers],
      ]
      return new GatewayFleet(gateways, port, await startHaproxy(port, lines.join('\n')), file)
    } catch (error) {
      await Promise.all(gateways.map((one) => one.kill()))
      throw error
    }
  }

  /** The URL of each gateway, by HTTP. */
  async urls(): Promise<readonly string[]> {
    return await Promise.all(this.gateways.map(async (one) => (await one.url()).replace(/^ws/, 'http')))
  }

  /** Another configuration for all of them; it is in force a moment later. */
  async reload(config: ConfigInput): Promise<void> {
    await writeFile(this.#file, JSON.stringify(config), { mode: 0o600 })
    for (const one of this.gateways) one.signal('SIGHUP')
  }

  /** How often each has written an event. */
  counts(event: string): readonly number[] {
    return this.gateways.map((one) => one.events().filter((line) => line.event === event).length)
  }

  async waitFor(event: string, count: number): Promise<void> {
    const all = () => this.counts(event).reduce((sum, one) => sum + one, 0)
    await until(() => all() >= count, `${count} times ${event}`, 30_000)
  }

  async stop(): Promise<void> {
    await this.#proxy.stop()
    await Promise.all(this.gateways.map((one) => one.kill()))
  }
}
