/** Tokens of SPNEGO, put together octet by octet: right ones and wrong ones. Nothing in them is encrypted or signed. */
import { der as element } from './der.ts'

export { element }

export const OID = {
  spnego: '2b0601050502',
  kerberos: '2a864886f712010202',
  kerberosOfWindows: '2a864882f712010202',
  ntlm: '2b06010401823702020a',
} as const

export const oid = (hex: string): Buffer => element(0x06, Buffer.from(hex, 'hex'))

/** A Kerberos token as GSSAPI frames it; `name` makes it another one. */
export function kerberosToken(name: string, { mechanism = OID.kerberos as string, kind = '0100' } = {}): Buffer {
  return element(0x60, oid(mechanism), Buffer.from(kind, 'hex'), element(0x6e, Buffer.from(name)))
}

/** The one `NTLMSSP` message with which a login begins. */
export const NTLM_TOKEN = Buffer.concat([Buffer.from('NTLMSSP\0'), Buffer.from('0100000007820008', 'hex')])

export interface InitParts {
  readonly mechanisms?: readonly string[]
  /** `null` for none. */
  readonly token?: Buffer | null
  /** Before the token, or behind it. */
  readonly before?: readonly Buffer[]
  readonly after?: readonly Buffer[]
  readonly outer?: string
}

/** NegTokenInit within its frame. [RFC 4178 §4.2.1] */
export function firstToken(parts: InitParts = {}): Buffer {
  const { mechanisms = [OID.kerberos], token = kerberosToken('joe'), outer = OID.spnego } = parts
  const fields = [
    element(0xa0, element(0x30, ...mechanisms.map(oid))),
    ...(parts.before ?? []),
    ...(token === null ? [] : [element(0xa2, element(0x04, token))]),
    ...(parts.after ?? []),
  ]
  return element(0x60, oid(outer), element(0xa0, element(0x30, ...fields)))
}

/** NegTokenResp: 0 accept-completed, 1 accept-incomplete, 2 reject, 3 request-mic. [RFC 4178 §4.2.2] */
export function answerToken(state = 0): Buffer {
  return element(
    0xa1,
    element(0x30, element(0xa0, element(0x0a, Buffer.from([state]))), element(0xa1, oid(OID.kerberos))),
  )
}
