/** One entry of a broker's `credentials`, or the template of a rule, ready to be made for somebody. */
import type { SaslMechanism } from '../../../proxy/index.ts'
import type { VariableFacts } from '../conditions/variables.ts'
import type { PromotedCredential } from './broker-credential.ts'

export interface Credential {
  /** Its key in the broker's `credentials`; absent for a rule's own template. */
  readonly name: string | undefined
  readonly mechanisms: readonly SaslMechanism[]
  /** Where in the credential that stands what `check` reads. */
  readonly checkedPath: readonly string[]
  /** The broker user; undefined where only a module can tell. @throws PromotionRefused 'bad-value' */
  username(facts: VariableFacts): string | undefined
  /** Reads or gets the secret. @throws PromotionRefused */
  build(facts: VariableFacts): Promise<PromotedCredential>
  /** Reads what can be read without an identity and without asking anybody, for a check at start. @throws PromotionRefused */
  check(): Promise<void>
}

/** A broker's named credentials. */
export type Credentials = ReadonlyMap<string, Credential>

/** Where a credential belongs. */
export interface CredentialPlace {
  /** Its key; absent for a rule's own template, whose values may vary. */
  readonly name?: string
  /** The broker's key. */
  readonly broker: string
}
