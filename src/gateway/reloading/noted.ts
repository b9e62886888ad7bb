/** A reload that is no dry run: metrics, audit and log say how it went. */
import type { AdminTrail } from '../../admin/trail.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import { ReloadRefused, type ReloadReport, reportText } from './report.ts'

interface Notes {
  readonly log: Log
  readonly metrics: Metrics
  readonly trail: AdminTrail
}

/** @throws {ReloadRefused} as the reload does */
export async function notedReload(
  reload: () => Promise<ReloadReport>,
  { log, metrics, trail }: Notes,
): Promise<ReloadReport> {
  try {
    const report = await reload()
    metrics.reloaded('done', report.sessions)
    trail.reloaded(report)
    log.write('reload-done', { detail: reportText(report) })
    return report
  } catch (error) {
    // Where another one is under way, or it was asked for another configuration than the present one, no configuration has
    // been refused: whoever asked gets to know.
    if (error instanceof ReloadRefused && error.code === 'invalid') {
      metrics.reloaded('refused')
      trail.reloadRefused(error)
      log.write('reload-refused', { detail: error.message })
    }
    throw error
  }
}
