/** What one identity uses of its shares, at several processes together. */
import type { UsageChange } from '../lasting.ts'

export type Used = NonNullable<UsageChange['used']>

export function sumOfUsed(all: readonly Used[]): Used {
  const sum = (name: keyof Used): number => all.reduce((total, used) => total + used[name], 0)
  return {
    channels: sum('channels'),
    consumers: sum('consumers'),
    queues: sum('queues'),
    exchanges: sum('exchanges'),
    publishers: sum('publishers'),
  }
}
