/** What a worker does for its primary, made of the parts of its gateway. */
import type { Everywhere } from '../../admin/replicas/everywhere.ts'
import type { Listeners } from '../listening/listeners.ts'
import type { GatewayParts } from '../parts.ts'
import type { Reload } from '../reloading/reload.ts'
import type { ActOnNews } from '../replicas/news.ts'
import type { Duties, WorkCounts } from './crew.ts'
import type { Drains } from './drain.ts'

export interface DutyParts extends Pick<GatewayParts, 'log' | 'metrics' | 'sessions' | 'traffic' | 'compiling'> {
  readonly listeners: Listeners
  readonly drain: Drains
  readonly everywhere: Everywhere
  readonly reload: Reload
  readonly act: ActOnNews
  upgradeCount(): number
}

export function dutiesOf(parts: DutyParts): Duties {
  const { listeners, drain, everywhere, reload, log, metrics, sessions } = parts
  const { lasting } = parts.compiling
  const loopDelayMs = metrics.loopDelay.reader()
  return {
    take(socket, at) {
      const listener = listeners.withAddress[at]
      if (listener === undefined) socket.destroy()
      else listener.take(socket)
    },
    received: parts.act,
    answer: async (question) => await everywhere.answer(question),
    prepare: async (config) => await reload.prepare(config),
    drain: async (terms) => await drain.begin(terms),
    undrain: () => void drain.cancel(),
    cut() {
      drain.cut()
      listeners.cut()
    },
    metrics: async () => await metrics.json(),
    counts: (): WorkCounts => {
      const { totals } = metrics
      const { bytesFromClients, bytesToClients, messagesFromClients, messagesToClients } = parts.traffic
      return {
        sessions: sessions.count,
        opened: totals.opened,
        ended: totals.ended,
        refused: totals.refused,
        refusedFor: Object.fromEntries(totals.refusedFor()),
        upgrades: parts.upgradeCount(),
        bytesFromClients,
        bytesToClients,
        messagesFromClients,
        messagesToClients,
        loopDelayMs: loopDelayMs(),
      }
    },
    usageChanges: () => lasting.usageChanges(performance.now()),
    usedElsewhere: (changes) => lasting.usedElsewhere(changes),
    observe: (observer) => log.observe(observer),
  }
}
