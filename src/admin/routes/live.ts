/** What happens at the moment, in the management API: the last refusals, and all events as they happen. */
import type { Access } from '../access.ts'
import { json } from '../answer.ts'
import type { Feed } from '../live/feed.ts'
import { ApiProblem } from '../problem.ts'
import type { Everywhere } from '../replicas/everywhere.ts'
import type { ApiRoute } from '../route.ts'

export interface LiveParts {
  readonly everywhere: Everywhere
  readonly feed: Feed
  readonly managed: { readonly current: { readonly access: Access | undefined } }
}

export function liveRoutes({ everywhere, feed, managed }: LiveParts): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/refusals',
      role: 'viewer',
      handle: async () => json(200, await everywhere.refusals()),
    },
    {
      method: 'GET',
      path: '/api/v1/events',
      role: 'viewer',
      handle({ caller: { identity, address } }) {
        if (feed.isFull) throw new ApiProblem(429, 'there are 16 readers of events already')
        return {
          status: 200,
          type: 'text/event-stream',
          stream: (response) =>
            feed.open(response, {
              mayStay() {
                const { access } = managed.current
                return access?.roleOf(identity, address) !== undefined && access.stillHolds(identity)
              },
              expiresAtMs: identity.expiresAtMs,
            }),
        }
      },
    },
  ]
}
