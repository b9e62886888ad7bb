/**
 * A broker's credentials, each compiled into the one of its kind. What a credential is made into for one session is in
 * broker-credential.ts.
 */
import { InvalidConfiguration, type Mistake, PromotionRefused } from '../../errors.ts'
import type { CredentialInput, SecretSources } from '../input.ts'
import { brokerCredential, usernameProblem } from './broker-credential.ts'
import { clientCredentials } from './client-credentials.ts'
import type { Credential, CredentialPlace, Credentials } from './credential.ts'
import { exchangeCredential } from './exchange-credential.ts'
import { moduleCredential } from './module-credential.ts'
import { passOnCredential } from './pass-on-credential.ts'
import { passwordCredential } from './password-credential.ts'

export type { Credential, CredentialPlace, Credentials } from './credential.ts'

/**
 * @param broker the broker's key
 * @throws InvalidConfiguration with every mistake, their paths below `input`
 */
export function compileCredentials(
  input: Readonly<Record<string, CredentialInput>>,
  sources: SecretSources,
  broker = '',
): Credentials {
  const problems: Mistake[] = []
  const credentials = new Map<string, Credential>()
  for (const [name, entry] of Object.entries(input)) {
    try {
      credentials.set(name, compileCredential(entry, sources, { name, broker }))
    } catch (error) {
      if (!(error instanceof InvalidConfiguration)) throw error
      problems.push(...error.under(name).problems)
    }
  }
  if (problems.length > 0) throw new InvalidConfiguration(problems)
  return credentials
}

/** Reads every secret once: what `check` and the start of the gateway want to know. Paths begin with the credential's name. */
export async function checkCredentials(credentials: Credentials): Promise<readonly Mistake[]> {
  const found = await Promise.all(
    [...credentials].map(async ([name, credential]) => await problemOf(credential, [name])),
  )
  return found.flat()
}

/** The problem that reading a credential's secret meets, if it can be read without an identity. */
export async function problemOf(
  credential: Credential,
  path: readonly (string | number)[],
): Promise<readonly Mistake[]> {
  try {
    await credential.check()
    return []
  } catch (error) {
    if (!(error instanceof PromotionRefused)) throw error
    return [{ path: [...path, ...credential.checkedPath], message: error.message }]
  }
}

/**
 * Compiles one credential; with a name its values are constant, without one they are templates.
 * @throws InvalidConfiguration with every mistake
 */
export function compileCredential(
  input: CredentialInput,
  sources: SecretSources,
  { name, broker }: CredentialPlace,
): Credential {
  switch (input.kind) {
    case undefined:
    case 'password':
      return passwordCredential(input, sources, name)
    case 'external':
      return external(input.username ?? name, name)
    case 'passOn':
      return passOnCredential(input, name)
    case 'oauth2':
      return clientCredentials(input, sources, name)
    case 'exchange':
      return exchangeCredential(input, sources, name)
    case 'module':
      return moduleCredential(input, sources, { ...(name === undefined ? {} : { name }), broker })
  }
}

function external(username: string | undefined, name: string | undefined): Credential {
  const user = username ?? ''
  const wrong = usernameProblem(user, true)
  if (wrong !== undefined) throw new InvalidConfiguration([{ path: ['username'], message: `the broker user ${wrong}` }])
  const mechanisms = ['EXTERNAL'] as const
  return {
    name,
    mechanisms,
    checkedPath: [],
    username: () => user,
    build: async () => brokerCredential({ username: user, mechanisms }),
    check: async () => undefined,
  }
}
