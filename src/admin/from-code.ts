/** What the program that started the gateway may see and order: the same shapes as in the management API. */
import { checked } from './input.ts'
import type { Management } from './management.ts'
import { blockSchema, kickSchema } from './orders/orders.ts'
import { ApiProblem } from './problem.ts'
import type { Everywhere } from './replicas/everywhere.ts'
import { listingSchema } from './routes/listing.ts'
import type { Blocked, BlockPerson, Kick, Kicked, SessionPage, SessionQuery } from './shapes.ts'

export class FromCode {
  readonly #management: Management
  readonly #everywhere: Everywhere

  constructor(management: Management, everywhere: Everywhere) {
    this.#management = management
    this.#everywhere = everywhere
  }

  async sessions(query: SessionQuery = {}): Promise<SessionPage> {
    return await orTypeError(() => this.#everywhere.sessions(checked(query, listingSchema, 'gateway.sessions')))
  }

  async kick(order: Kick): Promise<Kicked> {
    return await orTypeError(() => this.#management.kick(checked(order, kickSchema, 'gateway.kick'), 'program'))
  }

  async block(order: BlockPerson): Promise<Blocked> {
    const act = () => this.#management.block(checked(order, blockSchema, 'gateway.block'), 'program')
    const blocked = await orTypeError(act)
    if (blocked === undefined) throw new Error('gateway.block: there are too many blocks: lift some')
    return blocked
  }
}

/** Mistakes of a program are those of its author. */
async function orTypeError<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    const { errors = [] } = error.body as { readonly errors?: readonly string[] }
    throw new TypeError([error.message, ...errors].join('\n'), { cause: error })
  }
}
