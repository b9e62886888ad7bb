/** Authenticators: keys that exclude or need each other, and what is possible but seldom meant, as each type says. */
import { descriptorOf, type Mistake } from '../../../auth/index.ts'
import type { Finding } from '../reading/issues.ts'
import type { Config } from '../schema/schema.ts'
import { asksForCertificates } from './listeners.ts'

export function checkAuthenticators({ authenticators, listen, admin, basePath }: Config): Finding[] {
  const all = Object.entries(authenticators).map(([name, config]) => ({ name, config }))
  const isAsked = [...listen, admin].some((one) => asksForCertificates(one?.tls))
  return all.flatMap(({ name, config }) => {
    const sameType = all.filter((other) => other.config.type === config.type)
    return placed(name, descriptorOf(config).check?.(config, { sameType, asksForCertificates: isAsked, basePath }))
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
