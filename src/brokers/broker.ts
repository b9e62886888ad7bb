/**
 * Brokers out of the configuration: where they are, how they are verified, what they may be shown. Certificate files are
 * read here, at the start and on a reload.
 */
import { type Credentials, checkCredentials, compileCredentials, type SecretSources } from '../../auth/index.ts'
import type { BrokerTarget, BrokerTls } from '../../proxy/index.ts'
import { certificateBytes } from '../config/files/protected-file.ts'
import { ConfigError, formatPath } from '../config/reading/problems.ts'
import type { BrokerConfig, Config } from '../config/schema/schema.ts'
import type { BrokerNodes, NodesSettings } from './broker-nodes.ts'
import type { HoldOffs } from './hold-offs.ts'

export interface Broker {
  readonly name: string
  readonly target: BrokerTarget
  readonly settings: NodesSettings
  /** They outlive this configuration. */
  readonly nodes: BrokerNodes
  readonly credentials: Credentials
  /** What it has said no to lately. */
  readonly holdOffs: HoldOffs
}

/**
 * The brokers that services name.
 *
 * @throws {InvalidConfiguration} for a credential that cannot be
 * @throws {Error} when a certificate file cannot be read or is not safe from others
 */
export function makeBrokers(
  config: Config,
  sources: SecretSources,
  lasting: { holdOffs(broker: string): HoldOffs; nodes(broker: string, settings: NodesSettings): BrokerNodes },
): ReadonlyMap<string, Broker> {
  const named = new Set(config.services.map(({ broker }) => broker))
  const brokers = Object.entries(config.brokers).filter(([name]) => named.has(name))
  return new Map(
    brokers.map(([name, broker]) => {
      const credentials = compileCredentials(broker.credentials, sources, name)
      const target = brokerTarget(broker)
      const settings = { target, choose: broker.choose, probe: broker.probe, rebalance: broker.rebalance }
      return [
        name,
        { name, target, settings, nodes: lasting.nodes(name, settings), credentials, holdOffs: lasting.holdOffs(name) },
      ]
    }),
  )
}

/**
 * Reads every secret and imports every module once, so that one that is no good stops the start and not the first client.
 *
 * @throws {ConfigError} with every one of them
 */
export async function tryBrokerCredentials(brokers: ReadonlyMap<string, Broker>): Promise<void> {
  const found = [...brokers].map(async ([name, { credentials }]) => {
    const problems = await checkCredentials(credentials)
    return problems.map(({ path, message }) => ({
      path: formatPath(['brokers', name, 'credentials', ...path]),
      message,
    }))
  })
  const problems = (await Promise.all(found)).flat()
  if (problems.length > 0) throw new ConfigError(problems)
}

/** @throws {Error} when a certificate file cannot be read or is not safe from others */
export function brokerTarget({ urls, tls, proxyProtocol }: BrokerConfig): BrokerTarget {
  return { urls, proxyProtocol, ...(tls === undefined ? {} : { tls: brokerTls(tls) }) }
}

function brokerTls({ ca, cert, key, serverName }: NonNullable<BrokerConfig['tls']>): BrokerTls {
  return {
    ...(ca === undefined ? {} : { ca: certificateBytes(ca) }),
    ...(cert === undefined ? {} : { cert: certificateBytes(cert) }),
    ...(key === undefined ? {} : { key: certificateBytes(key) }),
    ...(serverName === undefined ? {} : { serverName }),
  }
}
