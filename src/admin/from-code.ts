/** What the program that started the gateway may see and order: the same shapes as in the management API. */
import { checked } from './input.ts'
import type { Management } from './management.ts'
import { blockSchema, kickSchema } from './orders/orders.ts'
import { ApiProblem } from './problem.ts'
import { listingSchema } from './routes/listing.ts'
import type { Blocked, BlockPerson, Kick, Kicked, SessionPage, SessionQuery } from './shapes.ts'

export class FromCode {
  readonly #management: Management

  constructor(management: Management) {
    this.#management = management
  }

  sessions(query: SessionQuery = {}): SessionPage {
    return this.#management.list(orTypeError(() => checked(query, listingSchema, 'gateway.sessions')))
  }

  kick(order: Kick): Kicked {
    return this.#management.kickHere(
      orTypeError(() => checked(order, kickSchema, 'gateway.kick')),
      'program',
    )
  }

  async block(order: BlockPerson): Promise<Blocked> {
    const checkedOrder = orTypeError(() => checked(order, blockSchema, 'gateway.block'))
    const blocked = await this.#management.block(checkedOrder, 'program')
    if (blocked === undefined) throw new Error('gateway.block: there are too many blocks: lift some')
    return blocked
  }
}

/** Mistakes of a program are those of its author. */
function orTypeError<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    const { errors = [] } = error.body as { readonly errors?: readonly string[] }
    throw new TypeError([error.message, ...errors].join('\n'), { cause: error })
  }
}
