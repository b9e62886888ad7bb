/**
 * Reading again, while the gateway runs, what it was started with: certificates, users, key sets. What cannot be read
 * stays as it was. Whoever lost the proof of being somebody loses sessions and tickets at once.
 */
import { type Authenticator, isTicketAuthenticator } from '../../auth/index.ts'
import { brokerTarget } from '../brokers/broker.ts'
import type { Listener } from '../http/listener.ts'
import type { Log } from '../ops/log.ts'
import type { Sessions } from '../sessions/registry.ts'
import type { Generation } from './generation.ts'

/** What is read again, and what follows from it. */
export interface ReadingAgain {
  readonly generation: Generation
  readonly sessions: Sessions
  readonly log: Log
}

/** Everything, as on SIGHUP. Never rejects; what failed is in the log. Resolves to how many things failed. */
export async function reloadAll(parts: ReadingAgain & { readonly listeners: readonly Listener[] }): Promise<number> {
  const { generation, listeners, log } = parts
  const { config, brokers, authenticators } = generation
  for (const { holdOffs } of brokers.values()) holdOffs.clear()
  const outcomes = [
    ...listeners.map((listener) => attempt(log, `certificate of ${listener.url}`, () => listener.reloadCertificates())),
    ...[...brokers.values()].map((broker) =>
      attempt(log, `certificates for broker ${broker.name}`, () => {
        const written = config.brokers[broker.name]
        if (written !== undefined) broker.target = brokerTarget(written)
      }),
    ),
    ...[...authenticators.values()].map((authenticator) => reloadAuthenticator(authenticator, parts)),
  ]
  const failures = (await Promise.all(outcomes)).filter((succeeded) => !succeeded).length
  if (failures === 0) log.write('reload-done')
  return failures
}

/** One authenticator, as when its file changed. Resolves to whether it could. */
export async function reloadAuthenticator(authenticator: Authenticator, parts: ReadingAgain): Promise<boolean> {
  return await attempt(parts.log, `authenticator ${authenticator.name}`, async () => {
    const lost = (await authenticator.reload?.()) ?? []
    if (lost.length > 0) revoke(lost, parts)
  })
}

/** Ends everything that people (`identityKey`) have at the moment. */
function revoke(keys: readonly string[], { generation, sessions, log }: ReadingAgain): void {
  for (const authenticator of generation.authenticators.values()) {
    if (isTicketAuthenticator(authenticator)) authenticator.revoke({ identities: keys })
  }
  const count = keys.reduce((ended, key) => ended + sessions.endIdentity(key, 'access was revoked'), 0)
  log.write('sessions-revoked', { count })
}

async function attempt(log: Log, what: string, work: () => void | Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    log.write('reload-failed', { detail: `${what}: ${error instanceof Error ? error.message : 'unknown failure'}` })
    return false
  }
}
