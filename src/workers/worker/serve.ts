/** One worker: a gateway without ports and without an admin listener, which does what its primary asks. */
import type { Config } from '../../config/schema/schema.ts'
import { assembleGateway } from '../../gateway/assemble.ts'
import type { Berth, Duties, PreparedElsewhere } from '../../gateway/crew/crew.ts'
import type { GatewayNews } from '../../gateway/replicas/news.ts'
import { HeapGrowth } from '../../ops/heap-growth.ts'
import type { LogObserver } from '../../ops/log.ts'
import { StandardOutput } from '../../ops/standard-output.ts'
import type { Beginning } from '../messages.ts'
import type { ProcessLine } from '../process-line.ts'
import { RemoteLeases } from '../state/remote-leases.ts'
import { RemoteState } from '../state/remote-state.ts'
import { StateLine } from '../state/state-line.ts'
import type { HandedConnections } from './connections.ts'
import { NumberedLines } from './numbered-lines.ts'
import { partOf } from './part.ts'

/** The line itself takes no time worth speaking of, but the primary may be busy. */
const LINE_MS = 1_000

/** Begins once it is asked to, and serves until the process ends. @param end ends it */
export function serveAsWorker(channel: ProcessLine, connections: HandedConnections, end: () => void): void {
  const early: { readonly news: GatewayNews; readonly atMs: number }[] = []
  // What is passed on while it begins concerns it, too.
  channel.answer('news', (one) => {
    early.push(one)
    return null
  })
  channel.answer('begin', async (beginning) => {
    await begin(channel, connections, beginning, early)
    return null
  })
  channel.heed('stop', end)
  connections.follow(channel)
}

async function begin(
  channel: ProcessLine,
  connections: HandedConnections,
  beginning: Beginning,
  early: readonly { readonly news: GatewayNews; readonly atMs: number }[],
): Promise<void> {
  const { worker, workerCount, replica, folder, config } = beginning
  const line = new StateLine(channel, (config.state?.timeout ?? LINE_MS) + LINE_MS)
  const state = new RemoteState(line)
  const berth: Berth = {
    worker,
    replica,
    knowledge: state,
    publish: (news, forMs) => channel.tell('published', { news, forMs }),
    attend(duties) {
      for (const { news, atMs } of early) duties.received(news, atMs)
      attend(channel, duties, (next) => partOf(next, workerCount))
      connections.begin((socket, listener) => duties.take(socket, listener))
    },
  }
  const part = partOf(config, workerCount)
  const gateway = await assembleGateway(
    { config: part, warnings: [] },
    {
      input: part,
      options: { folder, logTo: new NumberedLines(StandardOutput.current, worker) },
      worker: {
        berth,
        present: beginning,
        state,
        leases: new RemoteLeases(line, channel, () => workerCount),
        withinBudget: (work) => line.withinBudget(work),
      },
    },
  )
  new HeapGrowth(gateway).start()
}

/** Does its duties whenever the primary asks. */
function attend(channel: ProcessLine, duties: Duties, partOfNext: (config: Config) => Config): void {
  let prepared: PreparedElsewhere | undefined
  /** Counts what was asked for or given up: what comes about later than that is not wanted any more. */
  let turn = 0
  const abandon = (): void => {
    turn += 1
    prepared?.abandon()
    prepared = undefined
  }
  let stopObserving = (): void => {}
  const observer: LogObserver = {
    wrote: (event, fields) => channel.tell('observed', { event, fields }),
    audited: (audited, more) => channel.tell('observed', { audited, more }),
  }
  channel.answer('news', ({ news, atMs }) => duties.received(news, atMs) ?? null)
  channel.answer('question', async (question) => (await duties.answer(question)) ?? null)
  channel.answer('prepare', async (config) => {
    abandon()
    const own = turn
    const made = await duties.prepare(partOfNext(config))
    if (own !== turn) {
      made.abandon()
      throw new Error('it took too long to prepare the configuration')
    }
    prepared = made
    return made.judged
  })
  channel.answer('apply', async () => {
    const followed = prepared?.apply()
    prepared = undefined
    await followed
    return null
  })
  channel.heed('abandon', abandon)
  channel.answer('drain', async (terms) => {
    await duties.drain(terms)
    return null
  })
  channel.heed('undrain', () => duties.undrain())
  channel.heed('cut', () => duties.cut())
  channel.answer('counts', () => duties.counts())
  channel.answer('usages', () => duties.usageChanges())
  channel.heed('usedElsewhere', (changes) => duties.usedElsewhere(changes))
  channel.answer('metrics', async () => await duties.metrics())
  channel.heed('watched', (isWatched) => {
    stopObserving()
    stopObserving = isWatched ? duties.observe(observer) : () => {}
  })
}
