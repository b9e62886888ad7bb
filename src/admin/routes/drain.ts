/** Draining in the management API: sessions are sent elsewhere, and the gateway stays. */
import { drainOrder } from '../../config/schema/drain.ts'
import { json } from '../answer.ts'
import { readJson } from '../input.ts'
import type { Management } from '../management.ts'
import { ApiProblem } from '../problem.ts'
import type { ApiRoute } from '../route.ts'

export function drainRoutes(management: Management): readonly ApiRoute[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/drain',
      role: 'operator',
      event: 'admin.drain',
      async handle({ request, caller }) {
        const order = await readJson(request, drainOrder)
        refuseWhileStopping(management)
        const { sessions } = management.drain(order, caller)
        return json(202, { draining: true, sessions })
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/drain',
      role: 'operator',
      event: 'admin.undrain',
      handle({ caller }) {
        refuseWhileStopping(management)
        management.undrain(caller)
        return { status: 204 }
      },
    },
  ]
}

/** @throws {ApiProblem} */
function refuseWhileStopping({ isStopping }: Management): void {
  if (isStopping) throw new ApiProblem(409, 'the gateway is stopping')
}
