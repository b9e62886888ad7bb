/**
 * What GSSAPI takes from the process it is in: the key table and the replay cache. Both are the environment's, so there
 * is one of each for all authenticators; the package that calls GSSAPI is loaded when they are set.
 */
import { InvalidConfiguration } from '../../errors.ts'
import type { AuthenticatorSurroundings } from '../surroundings.ts'

/** Prepares the process, then imports the package `kerberos`. */
export function kerberosLoader(
  keytab: string | undefined,
  { load, processEnv }: Pick<AuthenticatorSurroundings, 'load' | 'processEnv'>,
): () => Promise<unknown> {
  return async () => {
    refuseWithoutReplayCache(processEnv)
    if (keytab !== undefined) processEnv['KRB5_KTNAME'] = `FILE:${keytab}`
    return await load('kerberos')
  }
}

/** @throws {InvalidConfiguration} where somebody has switched Kerberos' replay cache off */
function refuseWithoutReplayCache(env: NodeJS.ProcessEnv): void {
  for (const name of ['KRB5RCACHENAME', 'KRB5RCACHETYPE']) {
    if (!/^none(?::|$)/i.test(env[name] ?? '')) continue
    const message = `negotiate needs Kerberos' replay cache: take ${name} out of the environment, or set it to dfl`
    throw new InvalidConfiguration([{ path: [], message }])
  }
}
