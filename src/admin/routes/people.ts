/** In the management API: what people carry, and how much of their limits they use. */
import { z } from 'zod'
import { json } from '../answer.ts'
import { readQuery } from '../input.ts'
import type { Everywhere } from '../replicas/everywhere.ts'
import type { ApiRoute } from '../route.ts'
import { number } from './listing.ts'

export const peopleSchema = z.strictObject({ pageSize: number(1, 500).prefault(100) })

export function peopleRoute(everywhere: Everywhere): ApiRoute {
  return {
    method: 'GET',
    path: '/api/v1/identities',
    role: 'viewer',
    handle: async ({ query }) => json(200, await everywhere.people(readQuery(query, peopleSchema).pageSize)),
  }
}
