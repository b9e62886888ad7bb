/** Logins that a person makes: with a code in a browser, or with the ticket of their machine. */
import { DeviceLogin, DeviceLoginFailed, KerberosLoginFailed, kerberosAuthorization } from '../../../../auth/index.ts'
import { type Bearer, type GatewayLogin, LoginFailed, type Proof } from './login.ts'
import type { BearerSource } from './token.ts'

export interface DeviceOptions {
  readonly issuer: string
  readonly clientId: string
  readonly scope: string
  /** Shows the person a line. */
  readonly write: (line: string) => void
}

/** @throws LoginFailed */
export function deviceTokens({ issuer, clientId, scope, write }: DeviceOptions): BearerSource {
  const login = inWords(
    () =>
      new DeviceLogin({
        ...{ issuer, clientId, scope },
        ask: (url, code) =>
          write(
            code === undefined
              ? `to log in, open ${url} in a browser of this machine`
              : `to log in, open ${url} in any browser; the code is ${code}`,
          ),
      }),
  )
  return {
    kind: 'device login',
    pollMs: undefined,
    read: async (): Promise<Bearer> => {
      try {
        return await login.token()
      } catch (error) {
        throw asLoginFailed(error)
      }
    },
    close: () => login.close(),
  }
}

/** Each upgrade has a token of its own. */
export class TicketLogin implements GatewayLogin {
  readonly kind = 'Kerberos ticket'
  readonly expiresAtMs = undefined
  readonly problem = undefined
  readonly #host: string
  readonly #load: () => Promise<unknown>

  constructor(host: string, load: () => Promise<unknown>) {
    this.#host = host
    this.#load = load
  }

  async proof(): Promise<Proof> {
    try {
      return { authorization: await kerberosAuthorization(this.#load, this.#host), secret: undefined }
    } catch (error) {
      throw asLoginFailed(error)
    }
  }

  refused(): boolean {
    return false
  }

  onFresh(): void {}

  close(): void {}
}

function inWords<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw asLoginFailed(error)
  }
}

function asLoginFailed(error: unknown): unknown {
  const isOurs = error instanceof DeviceLoginFailed || error instanceof KerberosLoginFailed
  return isOurs ? new LoginFailed(error.message, { cause: error }) : error
}
