/** Logins that are the same each time: a name with its password, or a certificate alone. [RFC 7617] */
import type { Secret } from '../../../../auth/index.ts'
import type { GatewayLogin, Proof } from './login.ts'

class ConstantLogin implements GatewayLogin {
  readonly kind: string
  readonly expiresAtMs = undefined
  readonly problem = undefined
  readonly #proof: Proof

  constructor(kind: string, authorization: string | undefined) {
    this.kind = kind
    this.#proof = { authorization, secret: undefined }
  }

  async proof(): Promise<Proof> {
    return this.#proof
  }

  refused(): boolean {
    return false
  }

  onFresh(): void {}

  close(): void {}
}

export function passwordLogin(user: string, password: Secret): GatewayLogin {
  const bytes = password.reveal()
  const both = Buffer.concat([Buffer.from(`${user}:`), bytes])
  const login = new ConstantLogin('password', `Basic ${both.toString('base64')}`)
  bytes.fill(0)
  both.fill(0)
  return login
}

/** The certificate is shown by TLS. */
export function certificateLogin(): GatewayLogin {
  return new ConstantLogin('certificate', undefined)
}
