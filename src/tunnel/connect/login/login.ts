/** Proving to the gateway who all local clients are: one login for all of them. */
import type { Secret } from '../../../../auth/index.ts'

/** What one upgrade shows. */
export interface Proof {
  /** The value of `Authorization`; undefined where a certificate proves it. */
  readonly authorization: string | undefined
  /** For `connection.update-secret`, where it ends before its session does. */
  readonly secret: Secret | undefined
}

/** A token as it is had, before anybody shows it. */
export interface Bearer {
  readonly text: string
  /** In ms since the epoch; undefined where nobody says. */
  readonly expiresAtMs: number | undefined
}

export interface GatewayLogin {
  /** For people: how it is done. */
  readonly kind: string
  /** When the proof that is in use ends, in ms since the epoch; undefined where nobody knows, or it does not. */
  readonly expiresAtMs: number | undefined
  /** Why there is no fresh proof; undefined as long as none is missing. */
  readonly problem: string | undefined
  /** One that is valid now. @throws LoginFailed */
  proof(): Promise<Proof>
  /**
   * The gateway did not take this proof.
   * @returns whether asking for another one may help
   */
  refused(proof: Proof): boolean
  /** Calls back with each proof that takes the place of one before. */
  onFresh(listener: (proof: Proof) => void): void
  /** Asks for nothing more. */
  close(): void
}

/** There is no proof to show; the message is for whoever started the command, and for its clients. */
export class LoginFailed extends Error {
  override readonly name = 'LoginFailed'
}
