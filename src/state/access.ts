/** What the configuration says of the store, with every secret read. */
import {
  EncryptionError,
  type EncryptionKey,
  type Keyring,
  PromotionRefused,
  parseKeys,
  readerOf,
  type SecretSources,
} from '../../auth/index.ts'
import { readProtected } from '../config/files/protected-file.ts'
import { ConfigError, type Problem } from '../config/reading/problems.ts'
import type { SecretSource, StateConfig } from '../config/schema/schema.ts'
import type { StoreAccess } from './client.ts'

export interface ReadState {
  readonly access: StoreAccess
  /** The first seals, all open. */
  readonly keys: Keyring
}

/** @throws {ConfigError} with everything that cannot be read */
export async function readState(config: StateConfig, sources: SecretSources): Promise<ReadState> {
  const problems: Problem[] = []
  const read = async (secret: SecretSource | undefined, path: string): Promise<string | undefined> => {
    if (secret === undefined) return undefined
    try {
      return (await readerOf(secret, sources)()).reveal().toString()
    } catch (error) {
      if (!(error instanceof PromotionRefused)) throw error
      problems.push({ path, message: error.message })
      return undefined
    }
  }
  const password = await read(config.password, 'state.password')
  const sentinelPassword = await read(config.sentinel?.password, 'state.sentinel.password')
  const keys = new Map<string, EncryptionKey>()
  for (const [index, source] of config.key.entries()) {
    const path = `state.key[${index}]`
    const text = await read(source, path)
    if (text !== undefined) addKeys(keys, text, (message) => problems.push({ path, message }))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const { urls, sentinel, cluster, username, timeout } = config
  const access: StoreAccess = {
    addresses: urls.map(({ host, port }) => ({ host, port })),
    kind: sentinel !== undefined ? 'sentinel' : cluster ? 'cluster' : 'single',
    sentinel: { name: sentinel?.name ?? '', username: sentinel?.username, password: sentinelPassword },
    username,
    password,
    tls: urls.some(({ tls }) => tls) ? await tlsOf(config) : undefined,
    timeoutMs: timeout,
  }
  return { access, keys }
}

function addKeys(keys: Map<string, EncryptionKey>, text: string, fail: (message: string) => void): void {
  try {
    const found = parseKeys(text)
    if (found.size === 0) fail('there is no key in it: `gatehouse secret keygen` makes one')
    for (const [id, key] of found) {
      if (keys.has(id)) fail(`the key ${id} is already there, from another place`)
      else keys.set(id, key)
    }
  } catch (error) {
    if (!(error instanceof EncryptionError)) throw error
    fail(`${error.message}; \`gatehouse secret keygen\` makes one`)
  }
}

/** The name is that of the URL's host, unless it is said. */
async function tlsOf({ tls }: StateConfig): Promise<NonNullable<StoreAccess['tls']>> {
  const [ca, cert, key] = await Promise.all([tls?.ca, tls?.cert, tls?.key].map(fileOf))
  return { ca, cert, key, servername: tls?.serverName, minVersion: 'TLSv1.2' }
}

async function fileOf(path: string | undefined): Promise<Buffer | undefined> {
  return path === undefined ? undefined : await readProtected(path)
}
