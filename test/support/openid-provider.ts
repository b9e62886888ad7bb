/**
 * A real OpenID provider (`oidc-provider`) as a child process on loopback, with people who log in by their name alone and
 * a program that gets tokens by its secret. Ends with the test, however that ends.
 */
import { fileURLToPath } from 'node:url'
import { spawnGuarded } from '../../src/demo/processes.ts'
import { testRuntime } from './runtime.ts'
import { until } from './until.ts'

export interface ProviderSettings {
  /** Life of access tokens. */
  readonly accessTokenSeconds: number
  /** JWTs, or texts that only the provider can read; default: `jwt`. */
  readonly accessTokens?: 'jwt' | 'opaque'
  /** False: programs are sent back to an address of their machine instead. */
  readonly deviceFlow?: boolean
  /** Of the client `robot`, which gets tokens for itself. */
  readonly robotSecret: string
  readonly robotRoles: readonly string[]
  /** Name → what they are. */
  readonly people: Readonly<Record<string, { readonly roles: readonly string[] }>>
  /** The gateway as the client `gatehouse`, where it has a login of its own. */
  readonly gateway?: {
    readonly publicUrl: string
    readonly secret: string
    /** The admin listener's, where people who manage log in there. */
    readonly adminUrl?: string
  }
  /** Takes its tokens in exchange for ones of this audience, from the client `exchanger` [RFC 8693]. */
  readonly exchange?: { readonly secret: string; readonly audience: string; readonly accessTokenSeconds: number }
}

export interface OpenidProvider {
  readonly issuer: string
  readonly jwksUri: string
  /** A fresh access token for the client `robot`: a JWT for the audience `amqp`. */
  robotToken(): Promise<string>
  /** How many grants it has been asked to take back, by whoever has a token of them. */
  revokedCount(): number
  /** Takes a token of the client `robot` back. */
  revoke(token: string): Promise<void>
  stop(): Promise<void>
}

const START_DEADLINE_MS = 30_000
const OUTPUT_CHARACTERS = 16_384

/** Starts it; installs what it needs the first time. @throws with its output when it does not come up */
export async function startOpenidProvider(settings: ProviderSettings): Promise<OpenidProvider> {
  const { node, folder } = await testRuntime()
  const program = fileURLToPath(new URL('openid-provider-program.ts', import.meta.url))
  let output = ''
  const child = await spawnGuarded([node, '--no-warnings', program], {
    cwd: folder,
    env: { PATH: process.env['PATH'], OPENID_PROVIDER: JSON.stringify(settings) },
    output: (text) => {
      output = (output + text).slice(-OUTPUT_CHARACTERS)
    },
  })
  const issuer = await until(() => issuerIn(output, child.hasEnded()), 'the OpenID provider', START_DEADLINE_MS).catch(
    async (cause: unknown) => {
      await child.kill()
      throw new Error(`the OpenID provider did not start:\n${output}`, { cause })
    },
  )
  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    robotToken: () => clientCredentials(issuer, settings.robotSecret),
    revokedCount: () => output.split('{"event":"grant.revoked"}').length - 1,
    revoke: (token) => revoke(issuer, settings.robotSecret, token),
    stop: () => child.kill(),
  }
}

/** [RFC 7009 §2.1] */
async function revoke(issuer: string, secret: string, token: string): Promise<void> {
  const response = await fetch(`${issuer}/token/revocation`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`robot:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ token }),
  })
  if (!response.ok) throw new Error(`not revoked: ${response.status} ${await response.text()}`)
}

function issuerIn(output: string, hasEnded: boolean): string | undefined {
  const line = /^\{"issuer":.*\}$/m.exec(output)?.[0]
  if (line !== undefined) return (JSON.parse(line) as { issuer: string }).issuer
  return hasEnded ? 'nowhere' : undefined
}

async function clientCredentials(issuer: string, secret: string): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`robot:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'amqp' }),
  })
  const body = (await response.json()) as { access_token?: string }
  if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`)
  return body.access_token
}
