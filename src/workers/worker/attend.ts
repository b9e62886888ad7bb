/** What a worker does for its primary, as its primary asks for it. */
import type { Config } from '../../config/schema/schema.ts'
import type { Duties, PreparedElsewhere } from '../../gateway/crew/crew.ts'
import type { LogObserver } from '../../ops/log.ts'
import type { ProcessLine } from '../process-line.ts'

/** Does its duties whenever the primary asks. */
export function attend(channel: ProcessLine, duties: Duties, partOfNext: (config: Config) => Config): void {
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
    const next = prepared
    prepared = undefined
    // The primary takes an answer for a yes.
    if (next === undefined) throw new Error('no configuration is prepared')
    await next.apply()
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
