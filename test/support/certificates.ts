/**
 * A private certificate authority for tests, made in memory and written to a temporary folder: server, client, expired
 * and foreign certificates, all P-256. No openssl needed.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bits, der, integer, octets, oid, sequence, set, tagged, time, utf8, yes } from './der.ts'

const DAY_MS = 86_400_000
const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const USAGES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }

/** A certificate and its key, as PEM texts and as files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
  /** SHA-256 of the DER form, as Node prints it. */
  readonly fingerprint256: string
}

export interface CertificateOptions {
  readonly commonName: string
  readonly organization?: string
  readonly organizationalUnits?: readonly string[]
  /** Subject alternative names: DNS names, addresses, e-mail addresses (with an @), URIs (with a colon and slashes). */
  readonly names?: readonly string[]
  /** Default: both. */
  readonly usage?: 'server' | 'client'
  /** Default: a day ago and in ten days. */
  readonly notBefore?: Date
  readonly notAfter?: Date
}

export class Authority {
  readonly ca: string
  readonly caFile: string
  readonly #folder: string
  readonly #key: KeyObject
  readonly #name: Buffer

  private constructor(folder: string, caFile: string, ca: string, key: KeyObject, name: Buffer) {
    this.#folder = folder
    this.caFile = caFile
    this.ca = ca
    this.#key = key
    this.#name = name
  }

  static async create(folder: string, commonName: string): Promise<Authority> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const name = nameOf({ commonName })
    const extensions = [
      extension('2.5.29.19', sequence(yes()), true),
      extension('2.5.29.15', bits(Buffer.from([0x06]), 1), true),
    ]
    const ca = pem(
      certificate({ issuer: name, subject: name, publicKey, signer: privateKey, extensions, ...validity({}) }),
    )
    const caFile = join(folder, `${fileName(commonName)}.ca.pem`)
    await writeFile(caFile, ca)
    return new Authority(folder, caFile, ca, privateKey, name)
  }

  async issue(options: CertificateOptions): Promise<Certificate> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const usages = options.usage ? [USAGES[options.usage]] : Object.values(USAGES)
    const extensions = [
      extension('2.5.29.19', sequence(), true),
      extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
      extension('2.5.29.37', sequence(...usages.map(oid))),
    ]
    if (options.names?.length) extensions.push(extension('2.5.29.17', sequence(...options.names.map(generalName))))
    const bytes = certificate({
      issuer: this.#name,
      subject: nameOf(options),
      publicKey,
      signer: this.#key,
      extensions,
      ...validity(options),
    })
    const base = join(this.#folder, `${fileName(options.commonName)}-${randomBytes(3).toString('hex')}`)
    const cert = pem(bytes)
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await writeFile(`${base}.cert.pem`, cert)
    await writeFile(`${base}.key.pem`, key, { mode: 0o600 })
    const digest = createHash('sha256').update(bytes).digest('hex').toUpperCase()
    const fingerprint256 = digest.replace(/..(?!$)/g, '$&:')
    return { cert, key, certFile: `${base}.cert.pem`, keyFile: `${base}.key.pem`, fingerprint256 }
  }
}

/** The usual set: an authority with a server and clients, and a foreign authority of the very same name. */
export interface Certificates {
  readonly folder: string
  readonly authority: Authority
  /** For `localhost`, `127.0.0.1` and `::1`. */
  readonly server: Certificate
  /** CN `joe.smith`, OU `trading`, e-mail joe.smith@example.com. */
  readonly client: Certificate
  readonly expired: Certificate
  readonly notYetValid: Certificate
  readonly foreign: { readonly authority: Authority; readonly server: Certificate; readonly client: Certificate }
  remove(): Promise<void>
}

export async function createCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificates-'))
  const joe = {
    commonName: 'joe.smith',
    organizationalUnits: ['trading'],
    names: ['joe.smith@example.com'],
    usage: 'client',
  } as const
  const host = { commonName: 'localhost', names: ['localhost', '127.0.0.1', '::1'], usage: 'server' } as const
  const authority = await Authority.create(folder, 'Test Authority')
  const foreignFolder = await mkdtemp(join(folder, 'foreign-'))
  const foreign = await Authority.create(foreignFolder, 'Test Authority')
  const day = (offset: number) => new Date(Date.now() + offset * DAY_MS)
  return {
    folder,
    authority,
    server: await authority.issue(host),
    client: await authority.issue(joe),
    expired: await authority.issue({ ...joe, notBefore: day(-10), notAfter: day(-1) }),
    notYetValid: await authority.issue({ ...joe, notBefore: day(1), notAfter: day(10) }),
    foreign: { authority: foreign, server: await foreign.issue(host), client: await foreign.issue(joe) },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

interface Contents {
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly extensions: readonly Buffer[]
  readonly notBefore: Date
  readonly notAfter: Date
}

/** The DER form of a version 3 certificate. [RFC 5280 §4.1] */
function certificate(contents: Contents): Buffer {
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(randomBytes(15)),
    ECDSA_WITH_SHA256,
    contents.issuer,
    sequence(time(contents.notBefore), time(contents.notAfter)),
    contents.subject,
    contents.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...contents.extensions)),
  )
  return sequence(toBeSigned, ECDSA_WITH_SHA256, bits(sign('sha256', toBeSigned, contents.signer)))
}

function validity(options: Pick<CertificateOptions, 'notBefore' | 'notAfter'>): { notBefore: Date; notAfter: Date } {
  const now = Date.now()
  return {
    notBefore: options.notBefore ?? new Date(now - DAY_MS),
    notAfter: options.notAfter ?? new Date(now + 10 * DAY_MS),
  }
}

function nameOf(options: Pick<CertificateOptions, 'commonName' | 'organization' | 'organizationalUnits'>): Buffer {
  const part = (type: string, text: string) => set(sequence(oid(type), utf8(text)))
  return sequence(
    ...(options.organization === undefined ? [] : [part('2.5.4.10', options.organization)]),
    ...(options.organizationalUnits ?? []).map((unit) => part('2.5.4.11', unit)),
    part('2.5.4.3', options.commonName),
  )
}

/** [RFC 5280 §4.2.1.6] */
function generalName(name: string): Buffer {
  if (isIP(name) === 4) return der(0x87, Buffer.from(name.split('.').map(Number)))
  if (isIP(name) === 6) return der(0x87, addressBytes(name))
  const tag = name.includes('://') ? 0x86 : name.includes('@') ? 0x81 : 0x82
  return der(tag, Buffer.from(name))
}

function addressBytes(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::')
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const first = groupsOf(head)
  const last = groupsOf(tail)
  const groups = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
  return Buffer.concat(groups.map((group) => Buffer.from([group >> 8, group & 0xff])))
}

function extension(type: string, value: Buffer, critical = false): Buffer {
  return critical ? sequence(oid(type), yes(), octets(value)) : sequence(oid(type), octets(value))
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function fileName(text: string): string {
  return text.replace(/[^A-Za-z0-9.-]/g, '-')
}
