/** Blocks in the management API: who is kept out, for how long, and why. */
import { json } from '../answer.ts'
import { BlocksNotKept } from '../blocks-file.ts'
import { readJson } from '../input.ts'
import type { Management } from '../management.ts'
import { blockSchema } from '../orders/orders.ts'
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
        const order = await readJson(request, blockSchema)
        const blocked = await orProblem(management.block(order, caller))
        if (blocked === undefined) throw new ApiProblem(422, 'there are too many blocks: lift some')
        return json(201, blocked)
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/blocks/{id}',
      role: 'operator',
      event: 'admin.unblock',
      async handle({ id, caller }) {
        if (!(await orProblem(management.unblock(id, caller)))) throw new ApiProblem(404, 'no such block')
        return { status: 204 }
      },
    },
  ]
}

/** What is in force and not kept is told as a failure, so that somebody looks after the file. */
async function orProblem<T>(act: Promise<T>): Promise<T> {
  return await act.catch((error: unknown) => {
    if (!(error instanceof BlocksNotKept)) throw error
    throw new ApiProblem(500, `done, but a restart forgets it: ${error.message}`, { cause: error })
  })
}
