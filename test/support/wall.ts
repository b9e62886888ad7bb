/**
 * A wall with doors: certificates for both sides of it, doors in this process, and the listeners of gateways inside. Clients
 * connect to a door's `port` and name the site `localhost`; only the gateway has its key.
 */
import { parseDoor } from '../../src/config/reading/load.ts'
import type { DoorConfig, DoorInput } from '../../src/config/schema/door.ts'
import type { ConfigInput } from '../../src/index.ts'
import { Log } from '../../src/ops/log.ts'
import { Door } from '../../src/tunnel/door/door.ts'
import type { ParkedTimes } from '../../src/tunnel/door/parked.ts'
import { Authority, type Certificate, type Certificates, createCertificates } from './certificates.ts'
import type { LogLine } from './door.ts'
import { until } from './until.ts'

type ListenInput = Extract<ConfigInput['listen'], readonly unknown[]>[number]

/** One door, and what it logged. */
export interface OuterDoor {
  readonly door: Door
  readonly config: DoorConfig
  readonly lines: readonly LogLine[]
  /** For gateways. */
  readonly url: string
  line(event: string, check?: (line: LogLine) => boolean): Promise<LogLine>
  /** Resolves when so many connections of gateways wait. */
  spare(count: number): Promise<void>
}

export class Wall {
  readonly certificates: Certificates
  /** Vouches for doors and gateways, and for no site. */
  readonly tunnel: Authority
  readonly doorCertificate: Certificate
  /** `inner-a` and `inner-b`. */
  readonly inner: readonly [Certificate, Certificate]

  private constructor(
    certificates: Certificates,
    tunnel: Authority,
    doorCertificate: Certificate,
    inner: Wall['inner'],
  ) {
    this.certificates = certificates
    this.tunnel = tunnel
    this.doorCertificate = doorCertificate
    this.inner = inner
  }

  static async build(): Promise<Wall> {
    const certificates = await createCertificates()
    const tunnel = await Authority.create(certificates.folder, 'Tunnel Authority')
    const doorCertificate = await tunnel.issue({
      commonName: 'door',
      names: ['localhost', '127.0.0.1', '127.1.1.1', '10.99.1.1'],
      usage: 'server',
    })
    const inner = [await tunnel.issue(innerName('inner-a')), await tunnel.issue(innerName('inner-b'))] as const
    return new Wall(certificates, tunnel, doorCertificate, inner)
  }

  async remove(): Promise<void> {
    await this.certificates.remove()
  }

  /** The configuration of a door on free ports. */
  input(more: Partial<DoorInput> = {}): DoorInput {
    const { certFile, keyFile } = this.doorCertificate
    return {
      listen: { host: '127.0.0.1', port: 0 },
      admin: { port: 0 },
      log: { level: 'debug' },
      drain: '0s',
      ...more,
      inner: {
        host: '127.0.0.1',
        port: 0,
        tls: { cert: certFile, key: keyFile, ca: this.tunnel.caFile },
        names: ['inner-a', 'inner-b'],
        ...more.inner,
      },
    }
  }

  /** Starts a door in this process. @param t what it ends with: a test, or a list of what is to end */
  async door(
    t: { after(end: () => Promise<void>): void },
    more: Partial<DoorInput> = {},
    times?: Partial<ParkedTimes>,
  ): Promise<OuterDoor> {
    const { config } = parseDoor(JSON.stringify(this.input(more)))
    const lines: LogLine[] = []
    const log = new Log('debug', { write: (line) => void lines.push(JSON.parse(line) as LogLine) })
    const door = new Door(config, { log, times })
    await door.start()
    t.after(async () => {
      const closed = door.close()
      door.cut()
      await closed
    })
    return {
      door,
      config,
      lines,
      url: `tls://127.0.0.1:${door.innerPort}`,
      line: async (event, check = () => true) =>
        await until(() => lines.find((line) => line['event'] === event && check(line)), `log line ${event} of a door`),
      spare: async (count) => {
        await until(() => door.spareCount === count, `${count} spare connections`, 20_000)
      },
    }
  }

  /** The listener of a gateway that is at these doors. */
  listener(urls: readonly string[], spare = 4, which: 0 | 1 = 0): ListenInput {
    const [own, site] = [this.inner[which], this.certificates.server]
    return {
      door: {
        urls: [...urls],
        spare,
        name: which === 0 ? 'inner-a' : 'inner-b',
        tls: { ca: this.tunnel.caFile, cert: own.certFile, key: own.keyFile },
      },
      tls: { cert: site.certFile, key: site.keyFile },
    }
  }
}

/** What the certificate of a gateway says. */
export function innerName(name: string) {
  return { commonName: name, names: [name], usage: 'client' } as const
}
