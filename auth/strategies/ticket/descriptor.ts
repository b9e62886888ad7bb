/** The type `ticket`. */
import { z } from 'zod'
import { count } from '../../schema/index.ts'
import type { AuthenticatorDescriptor } from '../descriptor.ts'
import { ticketAuthenticator } from './ticket.ts'

const schema = z.strictObject({
  type: z.literal('ticket').describe('One-time tickets from `POST /auth/ticket`, used as `?ticket=` or as a cookie.'),
  ttlSeconds: count(1, 600).prefault(30).describe('Life of a ticket, in seconds.'),
})

export const ticket: AuthenticatorDescriptor<typeof schema> = {
  schema,
  standsForProof: true,
  unfitForAdmin: () => 'a ticket stands for a proof at a service: name what proves people themselves',
  make: ({ name, config: { ttlSeconds }, scope }, { state, basePath }) =>
    ticketAuthenticator({ name, ttlSeconds, tickets: state.tickets(scope), basePath }),
}
