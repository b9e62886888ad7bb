/** Authenticators: keys that exclude or need each other, and what is possible but seldom meant, as each type says. */
import { descriptorOf, type Mistake } from '../../../auth/index.ts'
import type { Finding } from '../reading/issues.ts'
import type { Config } from '../schema/schema.ts'

export function checkAuthenticators({ authenticators, listen, admin, basePath }: Config): Finding[] {
  const all = Object.entries(authenticators).map(([name, config]) => ({ name, config }))
  const asksForCertificates = [...listen, admin].some((one) => {
    const asked = one?.tls?.clientCertificates
    return asked !== undefined && asked.mode !== 'none'
  })
  return all.flatMap(({ name, config }) => {
    const sameType = all.filter((other) => other.config.type === config.type)
    return placed(name, descriptorOf(config).check?.(config, { sameType, asksForCertificates, basePath }))
  })
}

export function authenticatorWarnings({ authenticators }: Config): Finding[] {
  return Object.entries(authenticators).flatMap(([name, config]) =>
    placed(name, descriptorOf(config).warnings?.(config)),
  )
}

function placed(name: string, mistakes: readonly Mistake[] = []): Finding[] {
  return mistakes.map(({ path, message, at = 'value', refersTo }) => ({
    path: ['authenticators', name, ...path],
    at,
    message,
    refersTo,
  }))
}
