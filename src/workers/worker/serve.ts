/** One worker: a gateway without ports and without an admin listener, which does what its primary asks. */
import { assembleGateway } from '../../gateway/assemble.ts'
import type { Berth } from '../../gateway/crew/crew.ts'
import type { GatewayNews } from '../../gateway/replicas/news.ts'
import { HeapGrowth } from '../../ops/heap-growth.ts'
import { StandardOutput } from '../../ops/standard-output.ts'
import type { Beginning } from '../messages.ts'
import type { ProcessLine } from '../process-line.ts'
import { RemoteLeases } from '../state/remote-leases.ts'
import { RemoteState } from '../state/remote-state.ts'
import { StateLine } from '../state/state-line.ts'
import { attend } from './attend.ts'
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
