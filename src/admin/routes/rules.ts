/** How often each promotion rule and each permission entry applied to somebody, in the management API. */
import { json } from '../answer.ts'
import type { Everywhere } from '../replicas/everywhere.ts'
import type { ApiRoute } from '../route.ts'

export function rulesRoute(everywhere: Everywhere): ApiRoute {
  return {
    method: 'GET',
    path: '/api/v1/rules',
    role: 'viewer',
    handle: async () => json(200, { items: await everywhere.rules() }),
  }
}
