/** A directory of OpenLDAP on 127.0.0.1, with people and groups, plain, by StartTLS and by ldaps. */

import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, type GuardedChild, runCommand, spawnGuarded } from '../../src/demo/processes.ts'
import { debianCommand } from './debian-package.ts'
import { until } from './until.ts'

export const SERVICE_DN = 'cn=gateway,dc=example'
export const SERVICE_PASSWORD = 'of-the-gateway 5c1d'

const ENVIRONMENT = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }

export class Slapd {
  readonly url: string
  readonly tlsUrl: string
  readonly #folder: string
  readonly #listen: readonly string[]
  #server: GuardedChild

  constructor(parts: {
    urls: readonly [string, string]
    folder: string
    listen: readonly string[]
    server: GuardedChild
  }) {
    const [url, tlsUrl] = parts.urls
    this.url = url
    this.tlsUrl = tlsUrl
    this.#folder = parts.folder
    this.#listen = parts.listen
    this.#server = parts.server
  }

  /** Changes entries as the administrator. */
  async modify(ldif: string): Promise<void> {
    const command = ['ldapmodify', '-x', '-H', this.url, '-D', 'cn=admin,dc=example', '-w', 'admin-of-a-test']
    const { code, output } = await runCommand(command, { stdin: ldif, env: ENVIRONMENT, deadlineMs: 20_000 })
    if (code !== 0) throw new Error(`ldapmodify failed with ${code}:\n${output}`)
  }

  /** Nobody answers any more. */
  async halt(): Promise<void> {
    await this.#server.kill()
  }

  /** It is there, takes connections, and answers nothing until `thaw`. */
  async freeze(): Promise<void> {
    process.kill(await this.#pid(), 'SIGSTOP')
  }

  async thaw(): Promise<void> {
    process.kill(await this.#pid(), 'SIGCONT')
  }

  async #pid(): Promise<number> {
    return Number(await readFile(join(this.#folder, 'pid'), 'utf8'))
  }

  async restart(): Promise<void> {
    await this.halt()
    this.#server = await serve(this.#folder, this.#listen)
  }

  async stop(): Promise<void> {
    await this.#server.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** @param tls the server's certificate and key, as files */
export async function startSlapd(
  ldif: string,
  tls: { readonly ca: string; readonly cert: string; readonly key: string },
): Promise<Slapd> {
  await debianCommand('slapd', 'slapd', ENVIRONMENT)
  await debianCommand('ldap-utils', 'ldapmodify', ENVIRONMENT)
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-slapd-'))
  const [plain, secure] = await freePorts(2)
  const urls = [`ldap://127.0.0.1:${plain}`, `ldaps://127.0.0.1:${secure}`] as const
  await writeFile(join(folder, 'slapd.conf'), slapdConf(folder, tls))
  await writeFile(join(folder, 'people.ldif'), ldif)
  const added = await runCommand(
    ['slapadd', '-q', '-f', join(folder, 'slapd.conf'), '-l', join(folder, 'people.ldif')],
    {
      env: ENVIRONMENT,
      deadlineMs: 20_000,
    },
  )
  if (added.code !== 0) throw new Error(`slapadd failed with ${added.code}:\n${added.output}`)
  return new Slapd({ urls, folder, listen: urls, server: await serve(folder, urls) })
}

async function serve(folder: string, urls: readonly string[]): Promise<GuardedChild> {
  let said = ''
  const command = ['slapd', '-f', join(folder, 'slapd.conf'), '-h', urls.join(' '), '-d', '0']
  const output = (text: string) => {
    said += text
  }
  const server = await spawnGuarded(command, { env: ENVIRONMENT, folder, output })
  await until(async () => await answers(Number(new URL(urls[0] ?? '').port), server), 'slapd', 30_000).catch(
    (cause: unknown) => {
      throw new Error(`slapd does not answer: ${said}`, { cause })
    },
  )
  return server
}

/** What takes connections and says yes to StartTLS, and nothing after that. */
export async function silentDirectory(): Promise<{ readonly url: string; close(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('data', (message: Buffer) => {
      // An extended response without an error, for the message it answers. [RFC 4511 §4.12, §4.14]
      if (message.includes('1.3.6.1.4.1.1466.20037'))
        socket.write(Buffer.from([0x30, 12, 2, 1, message[4] ?? 0, 0x78, 7, 10, 1, 0, 4, 0, 4, 0]))
    })
    socket.on('error', () => undefined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `ldap://127.0.0.1:${port}`,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function answers(port: number, server: GuardedChild): Promise<boolean> {
  if (server.hasEnded()) throw new Error('slapd has ended')
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}

function slapdConf(folder: string, { ca, cert, key }: { ca: string; cert: string; key: string }): string {
  return `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile ${folder}/pid
argsfile ${folder}/args
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${ca}
TLSCertificateFile ${cert}
TLSCertificateKeyFile ${key}
database mdb
suffix dc=example
rootdn cn=admin,dc=example
rootpw admin-of-a-test
directory ${folder}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${SERVICE_DN}" read by users read by * none
`
}
