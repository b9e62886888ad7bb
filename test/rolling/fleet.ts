/** Gateways as processes of their own, at the places behind the balancer, with one store and one broker. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { ConfigInput } from '../../src/index.ts'
import { CommandProcess } from '../support/command-process.ts'
import { until } from '../support/until.ts'
import { type BalancerPorts, PLACES } from './balancer.ts'

export interface FleetOptions {
  readonly folder: string
  readonly ports: BalancerPorts
  /** Without addresses. */
  readonly config: Omit<ConfigInput, 'listen' | 'admin'>
  readonly trustedProxies: readonly string[]
}

export class Fleet {
  readonly #options: FleetOptions
  readonly #running = new Map<number, CommandProcess>()

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Resolves when it is ready. */
  async start(place: number): Promise<void> {
    const { folder, ports, config, trustedProxies } = this.#options
    const host = PLACES[place] ?? ''
    const file = join(folder, `gate${place + 1}.yaml`)
    const own: ConfigInput = {
      ...config,
      listen: { host, port: ports.gateway, behindTls: true, trustedProxies: [...trustedProxies] },
      admin: { host, port: ports.admin },
    }
    await writeFile(file, stringify(own), { mode: 0o600 })
    const gateway = new CommandProcess(['serve', '-c', file], {})
    this.#running.set(place, gateway)
    const isReady = async () => {
      if (!gateway.isRunning) throw new Error(`gate${place + 1} has ended: ${gateway.stdout}${gateway.stderr}`)
      return (await fetch(`http://${host}:${ports.admin}/health/ready`).catch(() => undefined))?.ok
    }
    await until(isReady, `gate${place + 1}`, 60_000)
  }

  /** Ends it as an operator does. @returns how often its sessions came to a quiet point, and how often not */
  async stop(place: number, deadlineMs: number): Promise<{ readonly sessions: number }> {
    const gateway = this.#running.get(place)
    if (gateway === undefined) throw new Error(`there is no gateway at place ${place}`)
    gateway.signal('SIGTERM')
    await until(() => !gateway.isRunning, `the end of gate${place + 1}`, deadlineMs)
    const { code } = await gateway.exit()
    if (code !== 0) throw new Error(`gate${place + 1} ended with ${code}: ${gateway.stderr}`)
    this.#running.delete(place)
    return {
      sessions: gateway.events().filter(({ event, reason }) => event === 'session-ended' && reason === 'drain').length,
    }
  }

  async kill(): Promise<void> {
    for (const gateway of this.#running.values()) await gateway.kill()
  }
}
