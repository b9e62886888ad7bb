/** Logins and their renewals as the primary and its workers write them to one another. They never leave the machine's memory. */
import { type Login, type LoginRenewal, Secret } from '../../../auth/index.ts'
import { readIdentity, revealed, type WrittenIdentity, writtenIdentity } from '../../state/identity-text.ts'
import { readLogin, writtenLogin } from '../../state/logins/text.ts'

export interface LoginLine {
  readonly hash: string
  /** All but the hash. */
  readonly text: string
}

export function loginLine(login: Login): LoginLine {
  return { hash: login.hash, text: writtenLogin(login) }
}

export function loginIn({ hash, text }: LoginLine): Login {
  return readLogin(hash, text)
}

/** What is left out stays as it was. */
export interface RenewalLine extends Pick<LoginRenewal, 'idClaims' | 'refreshedAtMs'> {
  readonly identity?: WrittenIdentity | undefined
  readonly refreshToken?: string | undefined
}

export function renewalLine({ identity, refreshToken, idClaims, refreshedAtMs }: LoginRenewal): RenewalLine {
  return {
    identity: identity && writtenIdentity(identity),
    refreshToken: refreshToken && revealed(refreshToken),
    ...(idClaims !== undefined && { idClaims }),
    ...(refreshedAtMs !== undefined && { refreshedAtMs }),
  }
}

export function renewalIn({ identity, refreshToken, ...rest }: RenewalLine): LoginRenewal {
  return {
    ...rest,
    ...(identity !== undefined && { identity: readIdentity(identity) }),
    ...(refreshToken !== undefined && { refreshToken: new Secret(Buffer.from(refreshToken, 'base64url')) }),
  }
}
