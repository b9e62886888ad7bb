/** A running gateway as programs see it, and what they start one with. */

import type { ConfigInput } from '../config/schema/schema.ts'
import type { InheritedSocket } from './inherited-sockets.ts'
import type { ReloadOptions, ReloadReport } from './reload-report.ts'

type Environment = Readonly<Record<string, string | undefined>>

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
  /** One for each listener, in the order of the configuration. */
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
  /** Asks for a reload that nobody waits for, as a signal does: requests coalesce, and a refusal is in the log. */
  requestReload(): void
  /** Drains: takes nobody any more, ends sessions evenly over `drain`, cuts the rest at twice it. */
  close(): Promise<void>
  /** Ends the wait of `close`: drops every connection at once. */
  cut(): void
}
