/** What a RabbitMQ for the demo and the tests is asked for, and what it is when it runs; wherever it comes from. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { BrokerManagement } from './management.ts'

export interface RabbitOptions {
  /** Plugins beside the management plugin, e.g. `rabbitmq_auth_backend_oauth2`, `rabbitmq_auth_mechanism_ssl`. */
  readonly plugins?: readonly string[]
  /** Lines added to rabbitmq.conf. */
  readonly config?: readonly string[]
  /** An advanced.config: Erlang terms, with the final dot. */
  readonly advancedConfig?: string
  /** More files for the broker, name → text; `FILES/` in `config` and `advancedConfig` is the folder they are in. */
  readonly files?: Readonly<Record<string, string>>
  /** A TLS listener beside the plain one; the values are file paths. `clients` says what is asked of clients. */
  readonly tls?: {
    readonly ca: string
    readonly cert: string
    readonly key: string
    readonly clients?: 'none' | 'optional' | 'required'
  }
  /** The AMQP listeners want a PROXY protocol header first. */
  readonly proxyProtocol?: boolean
  /** Definitions in the management API's form, imported after the start. */
  readonly definitions?: unknown
  /** Share of the machine's memory at which the memory alarm goes off; a tiny one puts it on at once. */
  readonly memoryWatermark?: number
  /** A node of the same machine whose cluster it joins. */
  readonly peer?: Peer
  /** `private` never uses RABBITMQ_URL: for brokers that are configured, stopped or killed. Default `any`. */
  readonly source?: 'any' | 'private'
  /** A folder with a whole Debian inside, to run the broker installed there (as root, with chroot). Default: RABBITMQ_ROOT. */
  readonly root?: string
  /** How long the start may take; default 90 s. */
  readonly startDeadlineMs?: number
  /** Told what is about to happen to the machine; default: standard error. */
  readonly say?: (line: string) => void
  /** The environment to look into; default: this process's. */
  readonly env?: NodeJS.ProcessEnv
}

/** What a node has to know of another one to join its cluster. */
export interface Peer {
  readonly name: string
  readonly cookie: string
  readonly epmdPort: number
  /** A cluster's users are those of all nodes. */
  readonly admin: Rabbit['admin']
}

/** A running RabbitMQ. */
export interface Rabbit {
  readonly kind: 'external' | 'node' | 'container'
  readonly version: string
  readonly host: string
  readonly port: number
  /** The TLS listener's port, where options asked for one. */
  readonly tlsPort?: number
  /** `amqp://` with the administrator's name and password, for the default vhost. */
  readonly url: string
  readonly admin: { readonly username: string; readonly password: string }
  readonly management: BrokerManagement
  /** For other nodes to join its cluster; where it was started here. */
  readonly peer?: Peer
  /** The broker's log file, where it is on this machine. */
  readonly logFile?: string
  /** The end of what the broker has logged, at most 256 KiB. */
  log(): string
  /** Runs `rabbitmqctl` with these arguments. @throws with its output when it fails or the broker is not ours. */
  ctl(...args: readonly string[]): Promise<string>
  /** Evaluates an Erlang expression (with its final dot) in the broker. */
  evaluate(expression: string): Promise<string>
  /** Ends the broker and keeps its data and ports: SIGTERM lets it shut down properly, SIGKILL does not. */
  halt(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Starts it again, on the same ports with the same data; halts it first when it runs. */
  restart(): Promise<void>
  /** Ends everything that was started and removes its folder. Idempotent. */
  stop(): Promise<void>
}

/** What a provider needs to know, with the defaults filled in. */
export interface Provision extends RabbitOptions {
  readonly say: (line: string) => void
  readonly env: NodeJS.ProcessEnv
  readonly startDeadlineMs: number
}

/** Whether something accepts connections there; never throws. */
export async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: 1_000 })
  socket.on('timeout', () => socket.destroy(new Error('timeout')))
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
