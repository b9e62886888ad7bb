/**
 * The nodes of one broker, as sessions dial them: those that answer, in the order that `choose` says, each tried once. Where
 * none of them answers, those that were away are asked once for all sessions that wait. It outlives configurations.
 */
import {
  type BrokerFailure,
  type BrokerTarget,
  BrokerUnavailable,
  type Dialled,
  type Dialler,
  type DialRequest,
  dialInTurn,
  probeBroker,
  type SessionEnd,
  TcpDialler,
  urlText,
} from '../../proxy/index.ts'
import { BrokerNode, type NodeChange, type NodeSurroundings, type Probe } from './broker-node.ts'
import { Rebalance, type RebalanceSettings } from './rebalance.ts'

/** What a broker's configuration says of its nodes. */
export interface NodesSettings {
  readonly target: BrokerTarget
  readonly choose: 'inOrder' | 'random' | 'leastSessions'
  readonly probe: { readonly every: number; readonly timeout: number }
  /** Absent: sessions stay where they are. */
  readonly rebalance?: RebalanceSettings | undefined
}

export interface NodesParts {
  readonly observe: (change: NodeChange) => void
  readonly probe?: Probe
  readonly dialler?: (url: BrokerTarget['urls'][number], target: BrokerTarget) => Dialler
  readonly nowMs?: () => number
  /** From 0 to 1. */
  readonly random?: () => number
}

const NONE: ReadonlyMap<string, number> = new Map()

export class BrokerNodes implements Dialler {
  readonly #around: NodeSurroundings
  readonly #makeDialler: NonNullable<NodesParts['dialler']>
  readonly #random: () => number
  readonly #rebalance: Rebalance
  #settings: NodesSettings
  #nodes: readonly BrokerNode[] = []
  /** Sessions that no node took, since the last one came back. */
  #refusedCount = 0

  constructor(settings: NodesSettings, parts: NodesParts) {
    const { observe, probe = probeBroker, nowMs = () => performance.now(), random = Math.random } = parts
    this.#around = { probe, nowMs, observe: (change) => observe(change.isUp ? this.#counted(change) : change) }
    this.#makeDialler = parts.dialler ?? ((url, target) => new TcpDialler(url, target))
    this.#random = random
    this.#rebalance = new Rebalance(nowMs())
    this.#settings = settings
    this.apply(settings)
  }

  /** Goes on with the nodes of another configuration: what is known of those that stay is kept. */
  apply(settings: NodesSettings): void {
    const { target, probe } = settings
    const known = new Map(this.#nodes.map((node) => [node.name, node]))
    this.#settings = settings
    this.#nodes = target.urls.map((url) => {
      const dialler = this.#makeDialler(url, target)
      const ofNode = { dialler, probeTimeoutMs: probe.timeout }
      const name = urlText(url)
      const node = known.get(name) ?? new BrokerNode(name, ofNode, this.#around)
      node.settings = ofNode
      return node
    })
  }

  get hosts(): readonly string[] {
    return this.#settings.target.urls.map(({ host }) => host)
  }

  get all(): readonly Pick<BrokerNode, 'name' | 'isUp' | 'sessionCount'>[] {
    return this.#nodes
  }

  /** Whether one of them answers, as far as is known. */
  get isUp(): boolean {
    return this.#nodes.some(({ isUp }) => isUp)
  }

  async dial(request: DialRequest): Promise<Dialled> {
    const { timeoutMs, giveUp, silent = [] } = request
    const endsAt = performance.now() + timeoutMs
    const nodes = silent.length === 0 ? this.#nodes : this.#without(silent)
    const away = nodes.filter(({ isUp }) => !isUp)
    const up = this.#order(nodes)
    const failures: BrokerUnavailable[] = []
    try {
      if (up.length > 0) return this.#patiently(await dialInTurn(up, request), up)
    } catch (error) {
      failures.push(BrokerUnavailable.from(error))
    }
    const givenUp = new Promise<void>((resolve) => {
      giveUp.onGivenUp = resolve
    })
    if (!giveUp.isGivenUp) await Promise.race([Promise.all(away.map(async (node) => await node.ask())), givenUp])
    const back = away.filter(({ isUp }) => isUp)
    try {
      if (back.length > 0) return await dialInTurn(back, { ...request, timeoutMs: endsAt - performance.now() })
    } catch (error) {
      failures.push(BrokerUnavailable.from(error))
    }
    this.#refusedCount++
    throw BrokerUnavailable.ofAll([...failures, ...away.flatMap(({ failure }) => failure ?? [])])
  }

  /** Asks those that are away once in `probe.every`. */
  tick(): void {
    for (const node of this.#nodes) if (!node.isUp) void node.ask(this.#settings.probe.every)
  }

  /** To be asked each second. @returns how many sessions are to leave which nodes, to come back on others */
  overfull(): ReadonlyMap<string, number> {
    const { rebalance } = this.#settings
    if (rebalance === undefined) return NONE
    return this.#rebalance.due(this.#nodes, rebalance, this.#around.nowMs())
  }

  /** Undefined where one node answers, or has within `probe.every`; else why not. Never rejects. */
  async problem(): Promise<BrokerFailure | undefined> {
    await Promise.all(this.#nodes.map(async (node) => await node.ask(this.#settings.probe.every)))
    if (this.isUp) return undefined
    return BrokerUnavailable.ofAll(this.#nodes.flatMap(({ failure }) => failure ?? [])).failure
  }

  /** How a session ended may say something of its node: it is asked, or known to be away. */
  ended({ node: name, reason, failure, replyCode, detail }: SessionEnd): void {
    const node = this.#nodes.find((one) => one.name === name)
    if (node === undefined) return
    if (reason === 'broker-closed' && replyCode === 320 && /maintenance/i.test(detail)) {
      node.away(new BrokerUnavailable(`${node.name}: ${detail}`, 'maintenance'))
    } else if (reason === 'broker-lost' || (reason === 'broker-unavailable' && failure === 'timeout')) {
      void node.ask()
    }
  }

  /** Whether a silent node is away is for a probe to find out, for all sessions. */
  #without(silent: readonly string[]): readonly BrokerNode[] {
    return this.#nodes.filter((node) => {
      if (!silent.includes(node.name)) return true
      void node.ask()
      return false
    })
  }

  /** Where there are others, a node has as long to greet a session as it has for a probe. */
  #patiently({ stream, node, gathers }: Dialled, up: readonly BrokerNode[]): Dialled {
    const hasOthers = up.some((one) => one.name !== node && one.isUp)
    return { stream, node, gathers, greetWithinMs: hasOthers ? this.#settings.probe.timeout : undefined }
  }

  #order(nodes: readonly BrokerNode[]): BrokerNode[] {
    const up = nodes.filter(({ isUp }) => isUp)
    if (up.length < 2) return up
    const { choose } = this.#settings
    const keyed = up.map((node) => ({
      node,
      key: choose === 'inOrder' ? 0 : this.#random(),
      late: this.#random() >= node.share,
    }))
    keyed.sort(
      (one, other) =>
        Number(one.late) - Number(other.late) ||
        (choose === 'leastSessions' ? one.node.sessionCount - other.node.sessionCount : 0) ||
        one.key - other.key,
    )
    return keyed.map(({ node }) => node)
  }

  #counted(change: NodeChange): NodeChange {
    const count = this.#refusedCount
    this.#refusedCount = 0
    return { ...change, count }
  }
}
