/** All doors that one listener is at. */

import { isIP, isIPv6 } from 'node:net'
import { type ConnectionOptions, createSecureContext } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { certificateBytes } from '../../config/files/protected-file.ts'
import type { DoorListenerConfig } from '../../config/schema/schema.ts'
import { TUNNEL_PROTOCOL } from '../wire.ts'
import type { ConnectionTimes } from './door-connection.ts'
import { DoorLink, type LinkEvents } from './door-link.ts'

type DoorSettings = DoorListenerConfig['door']

const MIN_VERSION = 'TLSv1.3'

interface Open {
  readonly connect: ConnectionOptions
  readonly link: DoorLink
}

export class Doors {
  readonly #events: LinkEvents
  readonly #times: Partial<ConnectionTimes> | undefined
  #open: readonly Open[] = []

  constructor(events: LinkEvents, times?: Partial<ConnectionTimes>) {
    this.#events = events
    this.#times = times
  }

  get links(): readonly DoorLink[] {
    return this.#open.map(({ link }) => link)
  }

  /**
   * Other doors, or others of their settings; certificate files are read again in any case. What has not changed stays.
   *
   * @returns what puts them into use, at once
   * @throws {Error} where certificates cannot be used: then nothing has changed
   */
  change({ urls, tls, spare }: DoorSettings): () => void {
    const certificates = {
      ca: certificateBytes(tls.ca),
      cert: certificateBytes(tls.cert),
      key: certificateBytes(tls.key),
    }
    const next = urls.map(({ host, port }) => ({
      url: `tls://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      connect: connectionOptions(host, port, tls.serverName, certificates),
    }))
    // Made once: reading certificates and key anew took two milliseconds of each connection.
    const secureContext = createSecureContext({ ...certificates, minVersion: MIN_VERSION })
    return () => {
      const left = [...this.#open]
      this.#open = next.map(({ url, connect }) => {
        const at = left.findIndex((one) => isDeepStrictEqual(one.connect, connect))
        const [kept] = at === -1 ? [] : left.splice(at, 1)
        if (kept !== undefined) {
          kept.link.keep(spare)
          return kept
        }
        const options = { url, connect: { ...connect, secureContext }, spare, times: this.#times }
        const link = new DoorLink(options, this.#events)
        link.start()
        return { connect, link }
      })
      for (const { link } of left) link.retire()
    }
  }

  /** Takes no more clients. */
  stop(): void {
    for (const link of this.links) link.stop()
  }
}

interface Certificates {
  readonly ca: Buffer
  readonly cert: Buffer
  readonly key: Buffer
}

function connectionOptions(
  host: string,
  port: number,
  serverName: string | undefined,
  certificates: Certificates,
): ConnectionOptions {
  const name = serverName ?? host
  return {
    host,
    port,
    ...certificates,
    // No SNI for addresses; their certificate has to carry the address then. [RFC 6066 §3]
    servername: isIP(name) === 0 ? name : '',
    minVersion: MIN_VERSION,
    ALPNProtocols: [TUNNEL_PROTOCOL],
  }
}
