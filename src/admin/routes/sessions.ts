/** Sessions in the management API: who is connected, and their end. */
import { json } from '../answer.ts'
import { checked, readJson, readQuery } from '../input.ts'
import type { Management } from '../management.ts'
import { dismissSchema, kickSchema } from '../orders/orders.ts'
import { ApiProblem } from '../problem.ts'
import type { Everywhere } from '../replicas/everywhere.ts'
import type { ApiRoute } from '../route.ts'
import { listingSchema } from './listing.ts'

export function sessionRoutes(management: Management, everywhere: Everywhere): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/sessions',
      role: 'viewer',
      handle: async ({ query }) => json(200, await everywhere.sessions(readQuery(query, listingSchema))),
    },
    {
      method: 'GET',
      path: '/api/v1/sessions/{id}',
      role: 'viewer',
      async handle({ id }) {
        const { found, notReached } = await everywhere.session(id)
        if (found === undefined) throw noSession(notReached)
        return json(200, found)
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
        const { matched, notReached } = await management.kick(
          { ...checked(order, kickSchema, 'X-Reason'), hold },
          caller,
        )
        if (matched === 0) throw noSession(notReached)
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

/** It may be at one that did not answer. */
function noSession(notReached: readonly string[]): ApiProblem {
  if (notReached.length === 0) return new ApiProblem(404, 'no such session')
  return new ApiProblem(404, `no such session, as far as is known: not reached: ${notReached.join(', ')}`)
}
