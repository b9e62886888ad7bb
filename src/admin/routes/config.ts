/** The configuration in the management API: what is in force, and its change. */
import { z } from 'zod'
import { hashOf } from '../../config/effective/hash.ts'
import { redacted } from '../../config/effective/redacted.ts'
import type { Config } from '../../config/schema/schema.ts'
import { type ReloadOptions, ReloadRefused, type ReloadReport } from '../../gateway/reloading/report.ts'
import { json } from '../answer.ts'
import { readJson } from '../input.ts'
import { ApiProblem } from '../problem.ts'
import type { ApiRoute } from '../route.ts'
import type { AdminTrail } from '../trail.ts'

export interface Configured {
  readonly current: { readonly number: number; readonly config: Config }
  /** Whether there is a file to read again. */
  readonly hasFile: boolean
  /** @throws {ReloadRefused} */
  reload(options: ReloadOptions): Promise<ReloadReport>
}

export const reloadSchema = z
  .strictObject({
    dryRun: z.boolean({ error: 'expected true or false' }).prefault(false),
    text: z.string({ error: 'expected a configuration as YAML text' }).optional(),
    ifHash: z.string({ error: 'expected the hash of a configuration' }).optional(),
  })
  .refine(({ dryRun, text }) => dryRun || text === undefined, {
    path: ['text'],
    error: 'expected `dryRun: true` beside it: a configuration is put into force from its file only',
  })

/** A whole configuration may stand in it. */
const MOST_BYTES = 2 * 1024 * 1024

const STATUS: Readonly<Record<ReloadRefused['code'], number>> = { busy: 409, hash: 412, invalid: 422 }

export function configRoutes(gateway: Configured, trail: AdminTrail): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/config',
      role: 'administrator',
      handle() {
        const { number, config } = gateway.current
        return json(200, { generation: number, hash: hashOf(config), config: redacted(config) })
      },
    },
    {
      method: 'POST',
      path: '/api/v1/reload',
      role: 'administrator',
      event: 'admin.reload',
      async handle({ request, caller }) {
        const options = await readJson(request, reloadSchema, MOST_BYTES)
        if (!gateway.hasFile && options.text === undefined)
          throw new ApiProblem(409, 'this gateway was started without a file: there is nothing to read again')
        const report = await reloaded(gateway, options)
        const outcome = options.dryRun ? 'dry-run' : 'done'
        trail.done('admin.reload', caller, { outcome, count: report.sessions.ended })
        return json(200, report)
      },
    },
  ]
}

async function reloaded(gateway: Configured, options: ReloadOptions): Promise<ReloadReport> {
  const outcome = await gateway.reload(options).catch((error: unknown) => {
    if (error instanceof ReloadRefused) return error
    throw error
  })
  if (!(outcome instanceof ReloadRefused)) return outcome
  throw new ApiProblem(STATUS[outcome.code], 'nothing has changed', { errors: outcome.errors })
}
