/** The key by which operators say where tokens are in a request. */
import { z } from 'zod'
import type { Carrier } from './bearer.ts'

const CARRIER_TEXT = 'expected bearer, subprotocol or "cookie:NAME"'

export const carrierKey = z
  .string({ error: CARRIER_TEXT })
  .regex(/^(?:bearer|subprotocol|cookie:[!#$%&'*+.^_`|~A-Za-z0-9-]{1,128})$/, { error: CARRIER_TEXT })
  .transform((value) => value as Carrier)
