/** The store that gateways share: what its URLs need of one another and of its other keys. */
import type { Finding } from '../reading/issues.ts'
import type { Config } from '../schema/schema.ts'

export function checkState({ state }: Config): Finding[] {
  if (state === undefined) return []
  const { urls, sentinel, cluster, tls } = state
  const found: Finding[] = []
  const add = (path: readonly string[], message: string, at: Finding['at'] = 'value') =>
    found.push({ path: ['state', ...path], at, message })
  const secureCount = urls.filter((url) => url.tls).length
  if (secureCount > 0 && secureCount < urls.length)
    add(['urls'], 'expected one protocol: redis:// in all URLs, or rediss:// in all of them')
  if (sentinel !== undefined && cluster) add(['cluster'], 'a store has Sentinels or is a cluster, not both', 'key')
  if (urls.length > 1 && sentinel === undefined && !cluster)
    add(
      ['urls'],
      'several URLs need `sentinel` or `cluster: true`: servers that know nothing of one another share nothing',
    )
  if (tls === undefined) return found
  if (secureCount === 0) add(['tls'], 'without meaning: the URLs are not rediss://', 'key')
  if (tls.cert !== undefined && tls.key === undefined) add(['tls', 'cert'], 'a certificate needs its `key`', 'key')
  if (tls.key !== undefined && tls.cert === undefined) add(['tls', 'key'], 'a key needs its certificate, `cert`', 'key')
  return found
}
