/** Proofs by tokens that may be in several carriers of a request, and what they come to together. */
import type { IncomingMessage } from 'node:http'
import type { Outcome } from '../authenticator.ts'
import { AuthenticationRefused } from '../errors.ts'
import type { Identity } from '../identity.ts'
import { type CarriedToken, type Carrier, carrierName, findToken, isCookieCarrier } from './bearer.ts'

/** What the page itself sent goes before what a browser attached. */
export function cookiesLast(from: readonly Carrier[]): readonly Carrier[] {
  return [...from.filter((carrier) => !isCookieCarrier(carrier)), ...from.filter(isCookieCarrier)]
}

/** The first proof, where all that there are name one subject. @param identify throws AuthenticationRefused */
export async function proveCarried(
  http: IncomingMessage,
  carriers: readonly Carrier[],
  identify: (found: CarriedToken) => Promise<Identity>,
): Promise<Outcome> {
  const outcomes: Outcome[] = []
  for (const from of carriers) {
    const decide = async () => {
      const found = findToken(http, from)
      return found === undefined ? undefined : await identify(found)
    }
    outcomes.push(await settle(carrierName(from), isCookieCarrier(from), decide))
  }
  const refused = outcomes.find((outcome) => outcome.kind === 'refused' && outcome.ambient !== true)
  if (refused !== undefined) return refused
  const proven = outcomes.filter((outcome) => outcome.kind === 'proven')
  const [winner] = proven
  if (winner === undefined) return outcomes.find((outcome) => outcome.kind === 'refused') ?? { kind: 'absent' }
  const other = proven.find(({ identity }) => identity.subject !== winner.identity.subject)
  if (other !== undefined) {
    return { kind: 'refused', detail: `the tokens in ${winner.carrier} and ${other.carrier} name two subjects` }
  }
  return winner
}

/** A refusal as an outcome. Whatever else goes wrong is the gateway's own failure. */
export async function settle(
  carrier: string,
  ambient: boolean,
  decide: () => Promise<Identity | undefined>,
): Promise<Outcome> {
  try {
    const identity = await decide()
    return identity === undefined ? { kind: 'absent' } : { kind: 'proven', identity, carrier }
  } catch (error) {
    if (!(error instanceof AuthenticationRefused)) throw error
    const malformed = error.code === 'malformed'
    return {
      kind: 'refused',
      detail: error.message,
      carrier,
      ...(ambient && { ambient }),
      ...(malformed && { malformed }),
    }
  }
}
