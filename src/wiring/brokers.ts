/**
 * Brokers out of the configuration: where they are, how they are verified, what they may be shown. Certificate files are
 * read here, at the start and on a reload.
 */
import { readFileSync } from 'node:fs'
import { type Credentials, compileCredentials, type SecretSources } from '../../auth/index.ts'
import type { BrokerTarget, BrokerTls } from '../../proxy/index.ts'
import type { BrokerConfig, Config } from '../config/schema.ts'

/** One broker; `target` changes on a reload, so it is read when a session begins. */
export interface Broker {
  readonly name: string
  target: BrokerTarget
  readonly credentials: Credentials
}

/**
 * The brokers that services name.
 *
 * @throws {InvalidConfiguration} for a credential that cannot be
 * @throws {Error} when a certificate file cannot be read
 */
export function makeBrokers(config: Config, sources: SecretSources): ReadonlyMap<string, Broker> {
  const named = new Set(config.services.map(({ broker }) => broker))
  const brokers = Object.entries(config.brokers).filter(([name]) => named.has(name))
  return new Map(
    brokers.map(([name, broker]) => {
      const credentials = compileCredentials(broker.credentials, sources)
      return [name, { name, target: brokerTarget(broker), credentials }]
    }),
  )
}

/** @throws {Error} when a certificate file cannot be read */
export function brokerTarget({ urls, tls, proxyProtocol }: BrokerConfig): BrokerTarget {
  return { urls, proxyProtocol, ...(tls === undefined ? {} : { tls: brokerTls(tls) }) }
}

function brokerTls({ ca, cert, key, serverName }: NonNullable<BrokerConfig['tls']>): BrokerTls {
  return {
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
    ...(serverName === undefined ? {} : { serverName }),
  }
}
