/** Blocks in the management API: who is kept out, for how long, and why. */
import { json } from '../answer.ts'
import { readJson } from '../input.ts'
import type { Management } from '../management.ts'
import { blockSchema } from '../orders.ts'
import { ApiProblem } from '../problem.ts'
import type { ApiRoute } from '../route.ts'

export function blockRoutes(management: Management): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/blocks',
      role: 'operator',
      handle: () => json(200, { items: management.blocks() }),
    },
    {
      method: 'PUT',
      path: '/api/v1/blocks',
      role: 'operator',
      event: 'admin.block',
      async handle({ request, caller }) {
        const blocked = management.block(await readJson(request, blockSchema), caller)
        if (blocked === undefined) throw new ApiProblem(422, 'there are too many blocks: lift some')
        return json(201, blocked)
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/blocks/{id}',
      role: 'operator',
      event: 'admin.unblock',
      handle({ id, caller }) {
        if (!management.unblock(id, caller)) throw new ApiProblem(404, 'no such block')
        return { status: 204 }
      },
    },
  ]
}
