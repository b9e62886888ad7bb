/** Brokers: what their URLs, TLS settings and credentials need of one another. */
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { BrokerConfig, Config, CredentialConfig } from '../schema/schema.ts'

/** RabbitMQ's own user, accepted from loopback addresses only: the gateway is on one for it, the user is not. */
const LOOPBACK_USER = 'guest'
export const LOOPBACK_TEXT =
  'guest is the user RabbitMQ accepts from loopback addresses only, which a gateway would lend to the whole world: name another, or say allowLoopbackUser: true'

function checkTls({ urls, tls }: BrokerConfig, path: Path): Finding[] {
  if (!tls) return []
  const found: Finding[] = []
  if (!urls.some((url) => url.tls))
    found.push({ path, at: 'key', message: 'without meaning: none of the URLs is amqps://' })
  if (tls.cert !== undefined && tls.key === undefined)
    found.push({ path: [...path, 'cert'], at: 'key', message: 'a certificate needs its `key`' })
  if (tls.key !== undefined && tls.cert === undefined)
    found.push({ path: [...path, 'key'], at: 'key', message: 'a key needs its certificate, `cert`' })
  return found
}

function checkCredential(credential: CredentialConfig, broker: BrokerConfig, path: Path): Finding[] {
  if (credential.kind === 'password' && credential.username === LOOPBACK_USER && !credential.allowLoopbackUser) {
    return [{ path: [...path, 'username'], at: 'value', message: LOOPBACK_TEXT }]
  }
  if (credential.kind !== 'external') return []
  const at = [...path, 'mechanism']
  if (!broker.urls.every((url) => url.tls))
    return [{ path: at, at: 'value', message: 'EXTERNAL needs amqps:// in every URL of this broker' }]
  if (broker.tls?.cert === undefined)
    return [
      {
        path: at,
        at: 'value',
        message: 'EXTERNAL needs a client certificate: `cert` and `key` in `tls` of this broker',
      },
    ]
  return []
}

function checkRebalance({ rebalance, choose }: BrokerConfig, path: Path): Finding[] {
  if (rebalance === undefined || choose !== 'inOrder') return []
  const message = 'needs `choose: leastSessions` or `random`: by `inOrder` every session comes back to the first node'
  return [{ path, at: 'key', message }]
}

export function checkBrokers({ brokers }: Config): Finding[] {
  return Object.entries(brokers).flatMap(([name, broker]) => [
    ...checkTls(broker, ['brokers', name, 'tls']),
    ...checkRebalance(broker, ['brokers', name, 'rebalance']),
    ...Object.entries(broker.credentials).flatMap(([key, credential]) =>
      checkCredential(credential, broker, ['brokers', name, 'credentials', key]),
    ),
  ])
}
