/**
 * The authenticator `clientCertificate`: who a TLS client certificate was issued to. The listener asked for it and the
 * TLS library verified it against the operator's authorities; here it is only read, and only if that succeeded.
 */
import type { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import type { AuthenticationRequest, Authenticator, Outcome } from '../../authenticator.ts'
import { AuthenticationRefused } from '../../errors.ts'
import { glob } from '../../glob.ts'
import type { Identity } from '../../identity.ts'
import { checkSubject, deepFreeze } from '../claims.ts'
import { show } from '../jwt/json.ts'
import { authenticatorOf } from '../strategy.ts'
import { commonNames, distinguishedName, subjectAlternativeNames } from './names.ts'

/** Where a subject can be: a subject alternative name of that kind, the common name, or the whole RFC 4514 name. */
export type CertificateName = 'uri' | 'dns' | 'email' | 'cn' | 'name'

/** A kind of name, or those of a kind that a pattern covers. */
export type CertificateSubject = CertificateName | { readonly kind: CertificateName; readonly glob: string }

export interface ClientCertificateOptions {
  readonly name: string
  /** The first of these that the certificate has is the subject; it must have exactly one such. */
  readonly subject: readonly CertificateSubject[]
  readonly nowMs?: () => number
}

export function clientCertificateAuthenticator(options: ClientCertificateOptions): Authenticator {
  return authenticatorOf({ name: options.name, type: 'clientCertificate' }, async (request) => prove(request, options))
}

function prove({ http: { socket } }: AuthenticationRequest, options: ClientCertificateOptions): Outcome {
  if (!(socket instanceof TLSSocket)) return { kind: 'absent' }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { kind: 'absent' }
  const carrier = 'certificate'
  if (!socket.authorized) {
    return {
      kind: 'refused',
      detail: `the client certificate is not valid: ${String(socket.authorizationError)}`,
      carrier,
    }
  }
  try {
    return { kind: 'proven', identity: identityOf(certificate, options), carrier }
  } catch (error) {
    if (!(error instanceof AuthenticationRefused)) throw error
    return { kind: 'refused', detail: error.message, carrier }
  }
}

/** @throws {AuthenticationRefused} `rejected` */
export function identityOf(certificate: X509Certificate, options: ClientCertificateOptions): Identity {
  const nowMs = (options.nowMs ?? Date.now)()
  const [startMs, endMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  // The handshake checked this too, but connections that are kept alive outlive certificates.
  if (!(startMs <= nowMs && nowMs < endMs)) throw rejected('the client certificate is not valid at this time')
  const names = {
    ...subjectAlternativeNames(certificate.subjectAltName),
    cn: commonNames(certificate),
    name: [distinguishedName(certificate.subject)],
  }
  return {
    issuer: options.name,
    subject: pickSubject(names, options.subject),
    authenticator: options.name,
    roles: [],
    claims: deepFreeze({
      ...names,
      name: distinguishedName(certificate.subject),
      issuerName: distinguishedName(certificate.issuer),
      serialNumber: certificate.serialNumber,
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    }),
    expiresAtMs: endMs,
    fromCookie: false,
  }
}

function pickSubject(
  names: Readonly<Record<CertificateName, readonly string[]>>,
  wanted: readonly CertificateSubject[],
): string {
  for (const subject of wanted) {
    const { kind, glob: pattern } = typeof subject === 'string' ? { kind: subject, glob: '*' } : subject
    const covers = glob(pattern)
    const [first, ...others] = names[kind].filter((name) => name !== '' && covers(name))
    if (first === undefined) continue
    if (others.length > 0)
      throw rejected(`the client certificate has ${others.length + 1} names of the kind ${textOf(subject)}`)
    return checkSubject(first, `the ${kind} of the client certificate`)
  }
  throw rejected(`the client certificate has no ${wanted.map(textOf).join(', ')} to be a subject`)
}

function textOf(subject: CertificateSubject): string {
  return typeof subject === 'string' ? subject : `${subject.kind} like ${show(subject.glob)}`
}

function rejected(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('rejected', detail)
}
