/**
 * A Kerberos realm of its own: MIT's KDC on a private port of 127.0.0.1 and in a private folder, with a key table for HTTP
 * services on this machine. Ended by its process id; nothing of the machine's own Kerberos is read or written.
 */

import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findCommand } from '../../src/demo/install.ts'
import { freePorts, type GuardedChild, runCommand, spawnGuarded } from '../../src/demo/processes.ts'
import { debianPackage } from './debian-package.ts'
import { until } from './until.ts'

export const REALM = 'GATEHOUSE.TEST'
/** Package, and a command of it. */
const NEEDED = [
  ['krb5-kdc', 'krb5kdc'],
  ['krb5-admin-server', 'kadmin.local'],
  ['krb5-user', 'kinit'],
  ['curl', 'curl'],
] as const

export class KerberosRealm {
  readonly folder: string
  /** Points every program of Kerberos at this realm alone. */
  readonly env: Readonly<Record<string, string>>
  readonly #kdc: GuardedChild

  constructor(folder: string, env: Readonly<Record<string, string>>, kdc: GuardedChild) {
    this.folder = folder
    this.env = env
    this.#kdc = kdc
  }

  /** Holds the key of `HTTP/localhost` and of nobody else. */
  get keytab(): string {
    return join(this.folder, 'http.keytab')
  }

  /** Adds a person and logs them in. Returns the environment that has their ticket. */
  async person(name: string): Promise<NodeJS.ProcessEnv> {
    const keytab = join(this.folder, `${name}.keytab`)
    await this.#admin(`addprinc -randkey ${name}`)
    await this.#admin(`ktadd -k ${keytab} ${name}`)
    const env = { ...process.env, ...this.env, KRB5CCNAME: `FILE:${join(this.folder, `${name}.ccache`)}` }
    await succeed(['kinit', '-k', '-t', keytab, `${name}@${REALM}`], env)
    return env
  }

  /** Adds a service, its key in that key table. */
  async addService(principal: string, keytab: string): Promise<void> {
    await this.#admin(`addprinc -randkey ${principal}`)
    await this.#admin(`ktadd -k ${keytab} ${principal}`)
    await chmod(keytab, 0o600)
  }

  async stop(): Promise<void> {
    await this.#kdc.kill()
    await rm(this.folder, { recursive: true, force: true })
  }

  async #admin(query: string): Promise<void> {
    await succeed(['kadmin.local', '-r', REALM, '-q', query], { ...process.env, ...this.env })
  }
}

/** @throws with what a program said that failed */
export async function startRealm(): Promise<KerberosRealm> {
  for (const [name, command] of NEEDED) {
    await debianPackage(name, async () => (await findCommand(command, process.env)) !== undefined)
  }
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-realm-'))
  const [port = 0] = await freePorts(1)
  const env = {
    KRB5_CONFIG: join(folder, 'krb5.conf'),
    KRB5_KDC_PROFILE: join(folder, 'kdc.conf'),
    KRB5RCACHENAME: `file2:${join(folder, 'replays')}`,
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
  }
  await writeFile(env.KRB5_CONFIG, krb5Conf(port))
  await writeFile(env.KRB5_KDC_PROFILE, kdcConf(folder, port))
  await writeFile(join(folder, 'kadm5.acl'), '')
  const own = { ...process.env, ...env }
  await succeed(['kdb5_util', '-r', REALM, '-P', 'master-password-of-a-test', 'create', '-s'], own)
  let said = ''
  const output = (text: string) => {
    said += text
  }
  const kdc = await spawnGuarded(['krb5kdc', '-n', '-r', REALM], { env: own, folder, output })
  await until(async () => await answers(port, kdc), 'the KDC').catch((cause: unknown) => {
    throw new Error(`the KDC does not answer: ${said}`, { cause })
  })
  const realm = new KerberosRealm(folder, env, kdc)
  await realm.addService('HTTP/localhost', realm.keytab)
  return realm
}

function krb5Conf(port: number): string {
  return `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  ${REALM} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = ${REALM}
`
}

function kdcConf(folder: string, port: number): string {
  return `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${REALM} = {
    database_name = ${join(folder, 'principal')}
    acl_file = ${join(folder, 'kadm5.acl')}
    key_stash_file = ${join(folder, 'stash')}
  }
[logging]
  kdc = STDERR
  admin_server = STDERR
  default = STDERR
`
}

async function answers(port: number, kdc: GuardedChild): Promise<boolean> {
  if (kdc.hasEnded()) throw new Error('the KDC has ended')
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}

async function succeed(command: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { code, output } = await runCommand(command, { env, deadlineMs: 20_000 })
  if (code !== 0) throw new Error(`${command[0]} failed with ${code}:\n${output}`)
}
