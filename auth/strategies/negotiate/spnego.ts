/**
 * SPNEGO's own envelope around a Kerberos token, read before and after GSSAPI sees it: DER to the letter, bounded, and
 * nothing but Kerberos inside. Does no cryptography: who it is from, GSSAPI says. [RFC 4178 §4.2]
 */

/** What an initiator's first token is. `ticket` is the Kerberos token within: a view, no copy. */
export type FirstToken =
  | { readonly kind: 'kerberos'; readonly ticket: Buffer }
  | { readonly kind: 'unfit'; readonly detail: string }

const APPLICATION = 0x60
const OID = 0x06
const OCTETS = 0x04
const SEQUENCE = 0x30
const ENUMERATED = 0x0a
const SPNEGO = Buffer.from('2b0601050502', 'hex')
const KERBEROS = Buffer.from('2a864886f712010202', 'hex')
/** The same by the number that Windows gives it first, for a mistake of long ago. [MS-SPNG §3.1.5.2] */
const KERBEROS_OF_WINDOWS = Buffer.from('2a864882f712010202', 'hex')
/** After the mechanism's OID: this is an AP-REQ. [RFC 4121 §4.1] */
const AP_REQ = Buffer.from('0100', 'hex')
const NTLM = Buffer.from('NTLMSSP\0')

/** Reads a NegTokenInit whose first choice is Kerberos and which brings that choice's token along. */
export function readFirstToken(token: Buffer): FirstToken {
  if (token.indexOf(NTLM) === 0) return unfit('NTLM, where Kerberos is needed')
  try {
    return readInit(token)
  } catch (error) {
    if (error instanceof BadDer) return unfit(error.message)
    throw error
  }
}

/** Whether an acceptor's answer says that no further round is needed. */
export function isCompleted(answer: Buffer): boolean {
  try {
    const fields = whole(whole(answer, 0xa1), SEQUENCE)
    const state = whole(element(fields, 0xa0).content, ENUMERATED)
    return state.length === 1 && state[0] === 0
  } catch (error) {
    if (error instanceof BadDer) return false
    throw error
  }
}

class BadDer extends Error {}

function readInit(token: Buffer): FirstToken {
  const oid = element(whole(token, APPLICATION), OID)
  if (oid.content.equals(KERBEROS)) return unfit('a bare Kerberos token, where SPNEGO is needed')
  if (!oid.content.equals(SPNEGO)) return unfit('another mechanism than SPNEGO')
  const fields = whole(whole(oid.rest, 0xa0), SEQUENCE)
  const mechanisms = element(fields, 0xa0)
  const first = element(whole(mechanisms.content, SEQUENCE), OID).content
  const ticket = mechanismToken(mechanisms.rest)
  if (ticket?.indexOf(NTLM) === 0) return unfit('NTLM within SPNEGO, where Kerberos is needed')
  if (!first.equals(KERBEROS) && !first.equals(KERBEROS_OF_WINDOWS)) return unfit('the first choice is not Kerberos')
  if (ticket === undefined) return unfit('no Kerberos token inside')
  const inner = element(whole(ticket, APPLICATION), OID)
  if (!inner.content.equals(KERBEROS)) return unfit('the token inside is not of Kerberos')
  if (!inner.rest.subarray(0, AP_REQ.length).equals(AP_REQ)) return unfit('the Kerberos token is no AP-REQ')
  return { kind: 'kerberos', ticket }
}

/** [2] mechToken, behind an optional [1] reqFlags. */
function mechanismToken(fields: Buffer): Buffer | undefined {
  const rest = fields[0] === 0xa1 ? element(fields, 0xa1).rest : fields
  if (rest[0] !== 0xa2) return undefined
  return whole(element(rest, 0xa2).content, OCTETS)
}

/** The content of an element that fills the bytes to their end. */
function whole(bytes: Buffer, tag: number): Buffer {
  const { content, rest } = element(bytes, tag)
  if (rest.length > 0) throw new BadDer('bytes after the end of an element')
  return content
}

/** The element at the beginning: definite length, in its shortest form. [X.690 §10.1] */
function element(bytes: Buffer, tag: number): { readonly content: Buffer; readonly rest: Buffer } {
  if (bytes[0] !== tag) throw new BadDer(`no element ${tag.toString(16)} where one has to be`)
  const { length, start } = lengthOf(bytes)
  if (start + length > bytes.length) throw new BadDer('an element is longer than what was sent')
  return { content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) }
}

function lengthOf(bytes: Buffer): { readonly length: number; readonly start: number } {
  const first = bytes[1] ?? 0xff
  if (first < 0x80) return { length: first, start: 2 }
  const count = first & 0x7f
  if (count < 1 || count > 2 || bytes.length < 2 + count) throw new BadDer('a length that is none')
  const length = bytes.readUIntBE(2, count)
  if (length < (count === 1 ? 0x80 : 0x100)) throw new BadDer('a length that is not in its shortest form')
  return { length, start: 2 + count }
}

function unfit(detail: string): FirstToken {
  return { kind: 'unfit', detail }
}
