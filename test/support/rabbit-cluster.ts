/** A RabbitMQ cluster of three on loopback, whose nodes are killed, frozen and put into maintenance. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Rabbit } from '../../src/demo/rabbit.ts'
import { startRabbit } from '../../src/demo/rabbitmq.ts'

const SIZE = 3
/** Where nodes are frozen: silence is noticed after twice as many seconds, and by the other nodes after so many. */
export const HEARTBEAT_SECONDS = 4
const FREEZABLE = {
  config: [`heartbeat = ${HEARTBEAT_SECONDS}`],
  advancedConfig: `[{kernel, [{net_ticktime, ${HEARTBEAT_SECONDS}}]}].`,
}

export class RabbitCluster {
  readonly nodes: readonly Rabbit[]
  readonly #pids: readonly number[]
  readonly #frozen = new Set<number>()

  private constructor(nodes: readonly Rabbit[], pids: readonly number[]) {
    this.nodes = nodes
    this.#pids = pids
  }

  /** @param isFreezable silence is to be noticed soon; on a machine at work that may happen without a reason */
  static async start(isFreezable: boolean): Promise<RabbitCluster> {
    const nodes: Rabbit[] = []
    try {
      for (let at = 0; at < SIZE; at++) {
        const peer = nodes[0]?.peer === undefined ? {} : { peer: nodes[0].peer }
        nodes.push(await startRabbit({ ...(isFreezable ? FREEZABLE : {}), ...peer, source: 'private' }))
      }
      const pids = await Promise.all(nodes.map(pidOf))
      return new RabbitCluster(nodes, pids)
    } catch (error) {
      await Promise.all(nodes.map((node) => node.stop()))
      throw error
    }
  }

  get urls(): string[] {
    return this.nodes.map(({ host, port }) => `amqp://${host}:${port}`)
  }

  /** The node says nothing any more, and its sockets stay. */
  freeze(at: number): void {
    this.#frozen.add(at)
    process.kill(this.#pids[at] as number, 'SIGSTOP')
  }

  thaw(at: number): void {
    if (this.#frozen.delete(at)) process.kill(this.#pids[at] as number, 'SIGCONT')
  }

  /** As `rabbitmq-upgrade drain` does it. */
  async maintain(at: number): Promise<void> {
    await this.nodes[at]?.evaluate('rabbit_maintenance:drain().')
  }

  async revive(at: number): Promise<void> {
    await this.nodes[at]?.evaluate('rabbit_maintenance:revive().')
  }

  async stop(): Promise<void> {
    for (const at of this.#frozen) this.thaw(at)
    await Promise.all(this.nodes.map((node) => node.stop()))
  }
}

/** Beside its logs. */
async function pidOf({ logFile = '' }: Rabbit): Promise<number> {
  return Number(await readFile(join(logFile, '..', '..', 'pid'), 'utf8'))
}
