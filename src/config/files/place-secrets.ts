/** Tells every encrypted secret where it stands: its place is authenticated with it, so that none can be moved elsewhere. */
import { descriptorOf } from '../../../auth/index.ts'
import type { Path } from '../reading/problems.ts'
import { formatPath } from '../reading/problems.ts'
import type { Config, SecretSource } from '../schema/schema.ts'

/** A secret and its path in the configuration. */
export interface PlacedSecret {
  readonly path: Path
  readonly secret: SecretSource
  /** Whether variables are filled in where it is a file. */
  readonly isTemplate: boolean
}

/** Every secret of the configuration. */
export function secretsOf(config: Config): PlacedSecret[] {
  const found: PlacedSecret[] = []
  const add = (secret: SecretSource | undefined, ...path: Path) => {
    if (secret !== undefined) found.push({ path, secret, isTemplate: path.includes('promote') })
  }
  for (const [name, { credentials }] of Object.entries(config.brokers)) {
    for (const [key, credential] of Object.entries(credentials)) {
      const path: Path = ['brokers', name, 'credentials', key]
      if (credential.kind === 'password') add(credential.password, ...path, 'password')
      if (credential.kind === 'exchange') add(credential.clientSecret, ...path, 'exchange', 'clientSecret')
      if (credential.kind === 'oauth2') add(credential.clientSecret, ...path, 'oauth2', 'clientSecret')
    }
  }
  for (const [name, authenticator] of Object.entries(config.authenticators)) {
    for (const { path, secret } of descriptorOf(authenticator).secrets?.(authenticator) ?? []) {
      add(secret, 'authenticators', name, ...path)
    }
  }
  for (const [index, { promote, entitlements }] of config.services.entries()) {
    add(entitlements?.secret, 'services', index, 'entitlements', 'secret')
    for (const [position, { to }] of promote.entries()) {
      if (typeof to === 'object') add(to.password, 'services', index, 'promote', position, 'to', 'password')
    }
  }
  const { state } = config
  add(state?.password, 'state', 'password')
  add(state?.sentinel?.password, 'state', 'sentinel', 'password')
  // One key may be written without a list, and is placed so.
  const keys = state?.key ?? []
  for (const [index, key] of keys.entries()) add(key, 'state', 'key', ...(keys.length === 1 ? [] : [index]))
  return found
}

/** Fills in `place` of every encrypted secret and gives the configuration back. */
export function placeSecrets(config: Config): Config {
  for (const { path, secret } of secretsOf(config)) if (secret.kind === 'encrypted') secret.place = formatPath(path)
  return config
}
