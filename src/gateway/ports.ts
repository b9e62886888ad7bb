/** A running gateway as programs see it, and what they start one with. */

import type { Blocked, BlockPerson, Kick, Kicked, SessionPage, SessionQuery } from '../admin/shapes.ts'
import type { Environment } from '../config/environment.ts'
import type { ConfigInput } from '../config/schema/schema.ts'
import type { InheritedSocket } from './listening/inherited-sockets.ts'
import type { ReloadOptions, ReloadReport } from './reloading/report.ts'

export interface GatewayOptions {
  /** For `${env:NAME}` and `{ env: NAME }`; the process's own when left out. */
  readonly env?: Environment
  /** What relative paths are relative to; the working directory when left out. */
  readonly folder?: string
  /** Where the configuration came from: `reload` reads it again. */
  readonly file?: string
  /** Where log lines go; standard output when left out. */
  readonly logTo?: { write(line: string): void }
  /** Listening sockets of the process that started this one; each is that of the listener with its address. */
  readonly inherited?: readonly InheritedSocket[]
}

/** Durations as in the configuration: `10s`. */
export interface DrainOptions {
  readonly over?: string | undefined
  readonly quiet?: string | undefined
  readonly lameDuck?: string | undefined
}

export interface GatewayReload extends ReloadOptions {
  /** Instead of what was there before, where the gateway was started without a file. */
  readonly config?: ConfigInput | undefined
}

/** Where clients connect. */
export interface GatewayAddress {
  readonly host: string
  readonly port: number
  /** Without a path: `ws://127.0.0.1:8080`. */
  readonly url: string
}

export interface Gateway {
  /** One for each listener with an address of its own, in the order of the configuration. */
  readonly addresses: readonly GatewayAddress[]
  /** Health and metrics, where the configuration asks for them. */
  readonly adminAddress: GatewayAddress | undefined
  readonly sessionCount: number
  /** Bytes of messages since the start, both ways. */
  readonly relayedBytes: number
  /** Requests for a WebSocket since the start, refused ones too. */
  readonly upgradeCount: number
  /**
   * Reads the configuration and everything it names again: from the file, where there is one, else `config`, or the one it was
   * started with. Live sessions are judged by it. All or nothing.
   * @throws {ReloadRefused} with every mistake; then nothing has changed
   */
  reload(options?: GatewayReload): Promise<ReloadReport>
  /**
   * Live sessions, by filter, order and page; where gateways share their state, of all of them.
   * @throws {TypeError} with every mistake of the query
   */
  sessions(query?: SessionQuery): Promise<SessionPage>
  /**
   * Ends sessions, and keeps their people out for a while; where gateways share their state, at all of them. It is in the
   * audit trail.
   * @throws {TypeError} with every mistake of the order
   */
  kick(order: Kick): Promise<Kicked>
  /**
   * Keeps a person out, and ends their sessions and tickets at once, at all gateways that share their state. Resolves when the block survives a restart, where
   * `blocks` names a file. It is in the audit trail.
   * @throws {TypeError} with every mistake of the order
   */
  block(order: BlockPerson): Promise<Blocked>
  /** Asks for a reload that nobody waits for, as a signal does: requests coalesce, and a refusal is in the log. */
  requestReload(): void
  /**
   * Sends everybody elsewhere, and stays: not ready at once; takes nobody after `lameDuck`; ends sessions evenly over `over`,
   * each at a quiet point within `quiet`; cuts the rest after all three. The configuration says what is left out.
   * @returns resolves when no session is left, or when it is called off
   * @throws {ConfigError} with what is wrong with the options
   */
  drain(options?: DrainOptions): Promise<void>
  /** Calls a drain off: takes sessions again, and leaves those whose turn has not come. */
  undrain(): void
  /** Drains as the configuration says, and stops. */
  close(): Promise<void>
  /** Ends the wait of `close` and `drain`: drops every connection at once. */
  cut(): void
}
