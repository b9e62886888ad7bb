/**
 * Which WebSocket subprotocol the answer names. [RFC 6455 §4.2.2 /subprotocol/]
 *
 * `amqp` is the only one spoken. Browsers end the handshake both when an answer names one they did not offer and when
 * they offered some and none is named, so a client that offers unknown ones alone is refused visibly.
 */

export const AMQP_SUBPROTOCOL = 'amqp'
/** The entry by which a page hands over a token; a carrier, not a protocol, and never echoed. [kubernetes #47740] */
const TOKEN_CARRIER = 'base64url.bearer.authorization.k8s.io.'
const TOKEN = /^[!#$%&'*+\-.0-9A-Z^_`|a-z~]+$/

/** `protocol` absent: the answer names none. */
export type Subprotocol =
  | { readonly accepted: true; readonly protocol?: typeof AMQP_SUBPROTOCOL }
  | { readonly accepted: false; readonly detail: string }

/** Chooses from a `Sec-WebSocket-Protocol` header; several headers arrive joined with commas. */
export function chooseSubprotocol(header: string | undefined): Subprotocol {
  const offered = (header ?? '')
    .split(',')
    .map((entry) => entry.trim())
    // Proxies leave empty elements behind, and empty headers. [RFC 9110 §5.6.1.2]
    .filter((entry) => entry !== '')
  if (offered.length === 0) return { accepted: true }
  if (!offered.every((entry) => TOKEN.test(entry)))
    return { accepted: false, detail: 'Sec-WebSocket-Protocol is not a list of tokens' }
  if (new Set(offered).size < offered.length)
    return { accepted: false, detail: 'Sec-WebSocket-Protocol names one subprotocol twice' }
  if (offered.includes(AMQP_SUBPROTOCOL)) return { accepted: true, protocol: AMQP_SUBPROTOCOL }
  if (offered.some((entry) => entry.startsWith(TOKEN_CARRIER))) {
    return { accepted: false, detail: 'the token entry has to be offered beside the subprotocol amqp' }
  }
  return { accepted: false, detail: 'the only subprotocol spoken here is amqp' }
}
