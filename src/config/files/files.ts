/**
 * The files and environment variables that a configuration names: whether they are there, readable, and safe from others.
 * Only looks; what is read here is forgotten again.
 */
import { createSecureContext } from 'node:tls'
import { decrypt, descriptorOf, EncryptionError, type Keyring, type NamedFile } from '../../../auth/index.ts'
import type { Environment } from '../environment.ts'
import type { Finding } from '../reading/issues.ts'
import type { Path, Problem } from '../reading/problems.ts'
import { ConfigError } from '../reading/problems.ts'
import { isBehindDoor } from '../schema/listener-kinds.ts'
import type { Config, DoorListenerConfig } from '../schema/schema.ts'
import { hasName } from './certificate-names.ts'
import { certificatesIn } from './certificates.ts'
import { textProblem } from './file-text.ts'
import { readKeys } from './keyring.ts'
import type { PlacedSecret } from './place-secrets.ts'
import { secretsOf } from './place-secrets.ts'
import { PUBLIC_BYTES, protectedBytes, protectedText } from './protected-file.ts'

type Reads = 'public' | 'secret'

/** Largest users file. */
const USERS_BYTES = 8 * 1024 * 1024

/** Collects what it sees while it looks at one file after another. */
export class FileInspection {
  /** About places in the configuration. */
  readonly findings: Finding[] = []
  readonly warnings: Finding[] = []
  /** About places in other files. */
  readonly problems: Problem[] = []
  readonly #env: Environment
  readonly #judgeUsers: (text: string, file: string) => unknown

  /** `judgeUsers` throws ConfigError for a users file that is no good. */
  constructor(env: Environment, judgeUsers: (text: string, file: string) => unknown) {
    this.#env = env
    this.#judgeUsers = judgeUsers
  }

  /** Looks at every file and variable of the configuration. */
  inspect(config: Config): void {
    const listeners = [
      ...config.listen.map(({ tls }, index) => ({ path: ['listen', index, 'tls'], tls })),
      { path: ['admin', 'tls'], tls: config.admin?.tls },
    ]
    for (const { path, tls } of listeners) {
      if (tls) this.tls(path, { cert: tls.cert, key: tls.key })
      if (tls?.clientCertificates) this.tls([...path, 'clientCertificates'], { ca: tls.clientCertificates.ca })
    }
    for (const [index, listener] of config.listen.entries()) {
      if (isBehindDoor(listener)) this.#door(['listen', index, 'door'], listener.door)
    }
    for (const [index, source] of config.secretKeys.entries()) {
      if (source.kind === 'file') this.#warnIfReadable(['secretKeys', index], source.path)
    }
    const { keys, findings } = readKeys(config, this.#env)
    this.findings.push(...findings)
    for (const [name, { tls, credentials }] of Object.entries(config.brokers)) {
      if (tls) this.tls(['brokers', name, 'tls'], tls)
      for (const [key, credential] of Object.entries(credentials)) {
        if (credential.kind === 'module')
          this.#read(['brokers', name, 'credentials', key, 'module'], credential.module, 'public')
      }
    }
    if (config.state?.tls) this.tls(['state', 'tls'], config.state.tls)
    for (const [name, authenticator] of Object.entries(config.authenticators)) {
      const files = descriptorOf(authenticator).files?.(authenticator) ?? []
      for (const named of files) this.#named(named, ['authenticators', name, ...named.path])
    }
    for (const [index, { entitlements }] of config.services.entries()) {
      const module = entitlements?.module
      if (module !== undefined) this.#read(['services', index, 'entitlements', 'module'], module, 'public')
    }
    for (const placed of secretsOf(config)) this.#secret(placed, keys)
  }

  #fail(path: Path, message: string): void {
    this.findings.push({ path, at: 'value', message })
  }

  #warn(path: Path, message: string): void {
    this.warnings.push({ path, at: 'value', message })
  }

  /** The bytes, where the file is good. */
  #read(path: Path, file: string, reads: Reads): Buffer | undefined {
    const result = protectedBytes(file, PUBLIC_BYTES)
    if ('problem' in result) {
      this.#fail(path, `${file}: ${result.problem}`)
      return undefined
    }
    if (reads === 'secret' && result.readable) {
      this.#warn(path, `${file}: everybody on this machine may read this secret (chmod o-r)`)
    }
    if (result.bytes.length === 0) this.#fail(path, `${file}: the file is empty`)
    return result.bytes
  }

  #secret({ path, secret, isTemplate }: PlacedSecret, keys: Keyring): void {
    if (secret.kind === 'encrypted') this.#decrypt(path, secret, keys)
    if (secret.kind === 'env' && !this.#env[secret.name])
      this.#fail(path, `the environment variable ${secret.name} is not set`)
    if (secret.kind !== 'file' || (isTemplate && secret.path.includes('${'))) return
    this.#readText(path, secret.path, 'secret')
  }

  /** The same for what is read as text later on. */
  #readText(path: Path, file: string, reads: Reads): void {
    const bytes = this.#read(path, file, reads)
    const problem = bytes === undefined ? undefined : textProblem(bytes)
    if (problem !== undefined) this.#fail(path, `${file}: ${problem}`)
    bytes?.fill(0)
  }

  #decrypt(path: Path, { value, place }: { value: string; place: string }, keys: Keyring): void {
    try {
      decrypt(value, place, keys)
    } catch (error) {
      if (!(error instanceof EncryptionError)) throw error
      this.#fail(path, error.message)
    }
  }

  #warnIfReadable(path: Path, file: string): void {
    const result = protectedBytes(file)
    if ('problem' in result) return
    result.bytes.fill(0)
    if (result.readable) this.#warn(path, `${file}: everybody on this machine may read this key (chmod o-r)`)
  }

  #named({ file, holds }: NamedFile, path: Path): void {
    switch (holds) {
      case 'users':
        return this.#users(path, file)
      case 'text':
        return this.#readText(path, file, 'public')
      case 'key':
        this.#read(path, file, 'secret')?.fill(0)
        return
      case 'module':
        this.#read(path, file, 'public')
        return
      case 'certificates':
        this.#certificates(path, file)
        return
    }
  }

  #users(path: Path, file: string): void {
    const result = protectedText(file, USERS_BYTES)
    if ('problem' in result) return this.#fail(path, `${file}: ${result.problem}`)
    if (result.readable)
      this.#warn(path, `${file}: everybody on this machine may read these password hashes (chmod o-r)`)
    try {
      this.#judgeUsers(result.text, file)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.problems.push(...error.problems)
    }
  }

  #door(path: Path, { name, tls }: DoorListenerConfig['door']): void {
    this.tls([...path, 'tls'], tls)
    const cert = protectedBytes(tls.cert, PUBLIC_BYTES)
    if ('problem' in cert || hasName(cert.bytes, name) !== false) return
    this.#fail([...path, 'name'], 'expected a name that the certificate of `tls.cert` carries: doors go by that')
  }

  /** The certificate, key and authorities of one place. */
  tls(path: Path, tls: { cert?: string | undefined; key?: string | undefined; ca?: string | undefined }): void {
    const key = tls.key === undefined ? undefined : this.#read([...path, 'key'], tls.key, 'secret')
    const cert = this.#certificates([...path, 'cert'], tls.cert)
    this.#certificates([...path, 'ca'], tls.ca)
    if (cert && Date.parse(cert.validTo) < Date.now())
      this.#warn([...path, 'cert'], `the certificate expired at ${cert.validTo}`)
    if (!cert || !key) return
    try {
      createSecureContext({ cert: cert.bytes, key })
    } catch {
      this.#fail([...path, 'key'], 'expected the private key (PEM, not encrypted) that belongs to this certificate')
    }
    key.fill(0)
  }

  #certificates(path: Path, file: string | undefined): Certificates | undefined {
    const bytes = file === undefined ? undefined : this.#read(path, file, 'public')
    if (!bytes) return undefined
    const found = certificatesIn(bytes)
    if (found === undefined) this.#fail(path, 'expected certificates in PEM form')
    return found && { bytes, validTo: found[0].validTo }
  }
}

interface Certificates {
  readonly bytes: Buffer
  /** Of the first one. */
  readonly validTo: string
}
