/** A gateway in front of a cluster, clients that come back by themselves, and what a node's end must mean for them. */
import assert from 'node:assert/strict'
import { hashPassword } from '../../auth/index.ts'
import { type Gateway, startGateway } from '../../src/index.ts'
import { basic, type LogLine, PASSWORD } from './door.ts'
import { RabbitCluster } from './rabbit-cluster.ts'
import { type Absence, RoamingClients } from './roaming-clients.ts'
import { until } from './until.ts'

export interface ClusterOptions {
  readonly clients: number
  /** Nodes are frozen. */
  readonly isFreezable: boolean
  readonly rebalance?: { readonly after: string; readonly perSecond: number }
}

/** What clients went through after something happened to a node. */
export interface Outcome {
  /** Of those that had their session there: the latest end, and the longest way back. */
  readonly toldMs: number
  readonly backMs: number
  readonly count: number
}

export class ClusterScene {
  readonly cluster: RabbitCluster
  readonly clients: RoamingClients
  readonly lines: readonly LogLine[]
  readonly #gateway: Gateway

  private constructor(parts: Pick<ClusterScene, 'cluster' | 'clients' | 'lines'>, gateway: Gateway) {
    this.cluster = parts.cluster
    this.clients = parts.clients
    this.lines = parts.lines
    this.#gateway = gateway
  }

  static async open({ clients, isFreezable, rebalance }: ClusterOptions): Promise<ClusterScene> {
    const cluster = await RabbitCluster.start(isFreezable)
    const lines: LogLine[] = []
    try {
      const [first] = cluster.nodes
      await first?.management.addUser('webuser', 'webuser')
      await first?.management.permit('webuser', '/')
      const gateway = await startGateway(
        {
          listen: { port: 0 },
          admin: { port: 0 },
          brokers: {
            main: {
              urls: cluster.urls,
              choose: 'leastSessions',
              probe: { every: '1s', timeout: '1s' },
              ...(rebalance === undefined ? {} : { rebalance }),
              credentials: { webuser: { username: 'webuser', password: 'webuser' } },
            },
          },
          authenticators: {
            staff: {
              type: 'basic',
              users: { ada: { password: await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 }) } },
            },
          },
          services: [
            {
              path: '/amqp',
              broker: 'main',
              vhost: '/',
              authenticate: ['staff'],
              limits: { handshakesPerAddress: clients },
              promote: [{ to: 'webuser' }],
            },
          ],
          drain: { over: '0s', quiet: '2s' },
        },
        { logTo: { write: (line) => void lines.push(JSON.parse(line) as LogLine) } },
      )
      const door = { url: `${gateway.addresses[0]?.url}/amqp`, headers: { authorization: basic('ada') } }
      return new ClusterScene({ cluster, clients: await RoamingClients.open(door, clients), lines }, gateway)
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /** Sessions of each node, in the order of the cluster. */
  async counts(): Promise<number[]> {
    const page = await (await fetch(`${this.#gateway.adminAddress?.url}/metrics`)).text()
    return this.cluster.urls.map((url) =>
      Number(new RegExp(`gatehouse_broker_node_sessions\\{broker="main",node="${url}"\\} (\\d+)`).exec(page)?.[1] ?? 0),
    )
  }

  /**
   * Does something to a node, and waits until all of its clients are back.
   * @throws where somebody of another node was sent away, or anybody in other words than 320 and 1012
   */
  async strike(at: number, strike: () => Promise<void> | void, deadlineMs = 30_000): Promise<Outcome> {
    const { clients, cluster } = this
    const had = (await this.counts())[at] ?? 0
    const startedMs = performance.now()
    await strike()
    const isBack = ({ backAtMs }: Absence): boolean => Number.isFinite(backAtMs)
    await until(() => clients.since(startedMs).filter(isBack).length >= had, `${had} clients are back`, deadlineMs)
    const absences = clients.since(startedMs)
    assert.equal(absences.length, had, 'nobody else noticed anything')
    for (const { closeCode, replyText } of absences) {
      assert.equal(closeCode, 1012)
      assert.match(replyText, /^CONNECTION_FORCED - /)
    }
    const away = await until(
      () => this.lines.find(({ event, node }) => event === 'broker-node-away' && node === cluster.urls[at]),
      'broker-node-away',
    )
    assert.equal(away['broker'], 'main')
    return {
      toldMs: Math.max(...absences.map(({ awayAtMs }) => awayAtMs - startedMs)),
      backMs: Math.max(...absences.map(({ awayAtMs, backAtMs }) => backAtMs - awayAtMs)),
      count: had,
    }
  }

  async stop(): Promise<void> {
    await this.clients.stop()
    await this.#gateway.close()
    await this.cluster.stop()
  }
}

/** How far the fullest and the emptiest node are apart, as a part of the mean. */
export function skewOf(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
  return (Math.max(...counts) - Math.min(...counts)) / mean
}
