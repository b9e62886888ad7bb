/**
 * A listener without an address: clients arrive through doors. TLS, HTTP and all that follows are those of any other listener;
 * only who connects to whom is the other way round.
 */
import type { DoorListenerConfig } from '../config/schema/schema.ts'
import type { ConnectionTimes } from '../tunnel/reverse/door-connection.ts'
import type { DoorLink, LinkEvents } from '../tunnel/reverse/door-link.ts'
import { Doors } from '../tunnel/reverse/doors.ts'
import { GivenConnections } from './given-connections.ts'
import type { Hop } from './hop.ts'
import type { ListenerEvents } from './listener.ts'
import { type Deadlines, HttpServer } from './server/http-server.ts'

export interface DoorListenerOptions extends DoorListenerConfig {
  readonly maxHeaderBytes?: number | undefined
  /** For tests. */
  readonly deadlines?: Partial<Deadlines> | undefined
  readonly times?: Partial<ConnectionTimes> | undefined
}

export type DoorEvents = Pick<LinkEvents, 'joined' | 'away'>

export class DoorListener {
  #options: DoorListenerOptions
  readonly #server: HttpServer
  readonly #given = new GivenConnections()
  readonly #doors: Doors

  /** @throws {Error} when a certificate or key cannot be used */
  constructor(options: DoorListenerOptions, events: ListenerEvents & { readonly doors: DoorEvents }) {
    this.#options = options
    const { tls, maxHeaderBytes, deadlines, times } = options
    const hopOf = (socket: Parameters<GivenConnections['addressOf']>[0]): Hop => ({
      address: this.#given.addressOf(socket),
      // No proxy is trusted here, whatever a door says.
      peerAddress: '',
      isSecure: true,
    })
    this.#server = new HttpServer(
      { host: '', port: 0, tls, maxHeaderBytes, deadlines, preamble: this.#given },
      {
        request: (request, response) => events.request(request, response, hopOf(request.socket)),
        upgrade: (request, socket, head) => events.upgrade(request, socket, head, hopOf(request.socket)),
        refused: (what, address) => events.refused(what, address),
        dropped: (cause, detail, address) => events.dropped(cause, detail, address),
        hasRoom: () => events.hasRoom(),
      },
    )
    const { joined, away } = events.doors
    this.#doors = new Doors(
      {
        given: (socket, source) => {
          this.#given.add(socket, source)
          this.#server.take(socket)
        },
        joined,
        away,
      },
      times,
    )
  }

  /** Begins to dial; whether doors are there is no matter of the start. @throws {Error} when a certificate cannot be used */
  async start(): Promise<void> {
    const dial = this.#doors.change(this.#options.door)
    this.#server.startWithoutAddress()
    dial()
  }

  get links(): readonly DoorLink[] {
    return this.#doors.links
  }

  get socketCount(): number {
    return this.#server.socketCount + this.links.reduce((sum, { spareCount }) => sum + spareCount, 0)
  }

  /**
   * Other settings; certificate files are read again in any case.
   *
   * @returns what puts them into use, at once
   * @throws {Error} where they cannot be used: then nothing has changed
   */
  change(options: DoorListenerOptions): () => void {
    const changeTls = this.#server.change(options.tls)
    const changeDoors = this.#doors.change(options.door)
    return () => {
      this.#options = options
      changeTls()
      changeDoors()
    }
  }

  /** Takes no more clients and ends those that carry no session; resolves when the last one has gone. */
  async stop(): Promise<void> {
    this.#doors.stop()
    await this.#server.stop()
    await this.#server.emptied()
  }

  /** Destroys every connection that is left. */
  cut(): void {
    this.#server.cut()
  }
}
