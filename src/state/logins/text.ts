/** Logins as text, for values that are sealed. */
import { type Login, Secret } from '../../../auth/index.ts'
import { readIdentity, revealed, type WrittenIdentity, writtenIdentity } from '../identity-text.ts'

interface WrittenLogin extends Omit<Login, 'hash' | 'identity' | 'refreshToken' | 'sid'> {
  readonly identity: WrittenIdentity
  readonly refreshToken: string | null
  readonly sid: string | null
}

export function writtenLogin({
  identity,
  idClaims,
  refreshToken,
  refreshedAtMs,
  sub,
  sid,
  endsAtMs,
}: Omit<Login, 'hash'>): string {
  const written: WrittenLogin = {
    identity: writtenIdentity(identity),
    idClaims,
    refreshToken: refreshToken === undefined ? null : revealed(refreshToken),
    refreshedAtMs,
    sub,
    sid: sid ?? null,
    endsAtMs,
  }
  return JSON.stringify(written)
}

export function readLogin(hash: string, text: string): Login {
  const { identity, refreshToken, sid, ...rest } = JSON.parse(text) as WrittenLogin
  return {
    ...rest,
    hash,
    identity: readIdentity(identity),
    refreshToken: refreshToken === null ? undefined : new Secret(Buffer.from(refreshToken, 'base64url')),
    sid: sid ?? undefined,
  }
}

/** What must be known of a login to end it, by whoever has not its cookie. */
export interface LoginNote {
  readonly sub: string
  readonly sid: string | undefined
  readonly sessionKey: string | undefined
  readonly endsAtMs: number
}

export function readNote(text: string): LoginNote {
  const { sub, sid, sessionKey, endsAtMs } = JSON.parse(text) as LoginNote
  return { sub, sid, sessionKey, endsAtMs }
}
