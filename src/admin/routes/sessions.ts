/** Sessions in the management API: who is connected, and their end. */
import { json } from '../answer.ts'
import { checked, readJson, readQuery } from '../input.ts'
import type { LiveRates, ShownRates } from '../live/live-rates.ts'
import type { Management } from '../management.ts'
import { dismissSchema, kickSchema } from '../orders/orders.ts'
import { ApiProblem } from '../problem.ts'
import type { ApiRoute } from '../route.ts'
import { listingSchema } from './listing.ts'
import type { SessionDetail } from './shown-session.ts'

export function sessionRoutes(management: Management, rates: LiveRates): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/sessions',
      role: 'viewer',
      handle: ({ query }) => json(200, management.list(readQuery(query, listingSchema))),
    },
    {
      method: 'GET',
      path: '/api/v1/sessions/{id}',
      role: 'viewer',
      handle({ id }) {
        const session = management.session(id)
        if (session === undefined) throw noSession()
        const startedAtMs = Date.parse(session.openedAt)
        return json(200, { ...session, rates: rates.of({ ...session, startedAtMs }) } satisfies ShownDetail)
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/sessions/{id}',
      role: 'operator',
      event: 'admin.kick',
      async handle({ id, query, request, caller }) {
        const reasons = request.headersDistinct['x-reason']
        const { hold } = readQuery(query, dismissSchema)
        const order = { match: { session: id }, reason: reasons?.join(', ') }
        const { matched } = await management.kick({ ...checked(order, kickSchema, 'X-Reason'), hold }, caller)
        if (matched === 0) throw noSession()
        return { status: 204 }
      },
    },
    {
      method: 'POST',
      path: '/api/v1/kick',
      role: 'operator',
      event: 'admin.kick',
      handle: async ({ request, caller }) =>
        json(200, await management.kick(await readJson(request, kickSchema), caller)),
    },
  ]
}

/** One session, with how fast it is at the moment. */
export interface ShownDetail extends SessionDetail {
  /** Per second, over the last five to ten seconds; `null` where nobody has looked before. */
  readonly rates: ShownRates | null
}

function noSession(): ApiProblem {
  return new ApiProblem(404, 'no such session')
}
