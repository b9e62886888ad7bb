/** A package `kerberos` without GSSAPI, and an authenticator on it. */
import assert from 'node:assert/strict'
import type { AuthenticationRequest, Authenticator, Outcome } from '../../auth/authenticator.ts'
import { type NegotiateOptions, negotiateAuthenticator } from '../../auth/strategies/negotiate/negotiate.ts'
import { authenticationRequest } from './authentication-request.ts'
import { answerToken } from './spnego.ts'

export interface Say {
  readonly username?: unknown
  readonly response?: unknown
  readonly contextComplete?: unknown
}

/** A package `kerberos` that says what it is told, and records what it was asked. */
export class FakeKerberos {
  readonly services: string[] = []
  readonly tokens: string[] = []
  say: Say = {}
  /** What GSSAPI complains about, instead of an answer. */
  complaint: string | undefined
  keyIsGone = false
  /** Awaited by each step. */
  until: Promise<void> = Promise.resolve()

  /** Holds every step up until the function is called. */
  hold(): () => void {
    let go = () => {}
    this.until = new Promise((resolve) => {
      go = resolve
    })
    return go
  }

  async initializeServer(service: string) {
    this.services.push(service)
    if (this.keyIsGone) throw new Error('No key table entry found for HTTP/gate@EXAMPLE.COM')
    const answer = { username: 'joe@EXAMPLE.COM', response: base64(answerToken()), contextComplete: true, ...this.say }
    const step = async (token: string) => {
      this.tokens.push(token)
      await this.until
      if (this.complaint !== undefined) throw new Error(this.complaint)
    }
    return { ...answer, step }
  }
}

export const base64 = (token: Buffer): string => token.toString('base64')
/** A request with this token. */
export const negotiate = (token: Buffer | string): AuthenticationRequest =>
  authenticationRequest({
    headers: [['Authorization', `Negotiate ${typeof token === 'string' ? token : base64(token)}`]],
  })

export interface Made {
  readonly kerberos?: FakeKerberos
  readonly options?: Partial<NegotiateOptions>
  readonly deadlineMs?: number
  readonly now?: () => number
}

export async function made({ kerberos = new FakeKerberos(), options = {}, ...rest }: Made = {}): Promise<{
  kerberos: FakeKerberos
  authenticator: Authenticator
}> {
  const own: NegotiateOptions = {
    name: 'realm',
    service: 'HTTP@gate.example.com',
    realms: ['EXAMPLE.COM'],
    subject: 'principal',
    ...options,
  }
  const authenticator = await negotiateAuthenticator(own, { load: async () => ({ default: kerberos }), ...rest })
  return { kerberos, authenticator }
}

/** What operators are told. */
export async function refusal(outcome: Promise<Outcome>): Promise<string> {
  const known = await outcome
  assert.equal(known.kind, 'refused')
  return known.kind === 'refused' ? known.detail : ''
}
