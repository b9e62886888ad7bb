/** A gateway for one test or one file of tests, in front of a RabbitMQ that is there. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditEvent } from '../proxy/index.ts'
import { type Gateway, startGateway } from '../src/index.ts'
import type { EventName, LogFields } from '../src/ops/events.ts'
import { brokerAt, checkBroker } from './broker.ts'
import { Issuer, type TokenOptions } from './issuer.ts'
import { Lines, type Matching } from './lines.ts'
import { checkOptions, configOf, KEYS_FILE, SERVICE_PATH, type TestGatewayOptions, userNamed } from './options.ts'

const DEFAULT_BROKER = 'amqp://127.0.0.1:5672'
const WITHIN_MS = 5_000

/** One line of the log, as docs/logging.md has it. */
export type TestLogLine = LogFields & { readonly event: EventName; readonly level: string; readonly time: string }

/** One line of the audit trail, as docs/audit.md has it. */
export type TestAuditLine = AuditEvent & { readonly time: string; readonly service: string }

/** How long to wait for a line. */
export interface WaitOptions {
  readonly withinMs?: number | undefined
}

export class TestGateway implements AsyncDisposable {
  /** What it is: `sessionCount`, `kick`, `block`, `reload`, `drain`. */
  readonly gateway: Gateway
  readonly #options: TestGatewayOptions
  readonly #issuer: Issuer
  readonly #log: Lines<TestLogLine>
  readonly #audit: Lines<TestAuditLine>
  readonly #folder: string

  /** Only `startTestGateway` makes one. */
  constructor(parts: {
    readonly gateway: Gateway
    readonly options: TestGatewayOptions
    readonly issuer: Issuer
    readonly log: Lines<TestLogLine>
    readonly audit: Lines<TestAuditLine>
    readonly folder: string
  }) {
    this.gateway = parts.gateway
    this.#options = parts.options
    this.#issuer = parts.issuer
    this.#log = parts.log
    this.#audit = parts.audit
    this.#folder = parts.folder
  }

  /** Of the service: `ws://127.0.0.1:PORT/amqp`. */
  get url(): string {
    return `${this.gateway.addresses[0]?.url}${SERVICE_PATH}`
  }

  /** All lines of the log until now. */
  get log(): readonly TestLogLine[] {
    return this.#log.all
  }

  /** All lines of the audit trail until now. */
  get audit(): readonly TestAuditLine[] {
    return this.#audit.all
  }

  /** A token for somebody, whether `users` names them or not. */
  async tokenFor(subject: string, { roles, claims, expiresIn }: TokenOptions = {}): Promise<string> {
    const user = userNamed(this.#options, subject)
    return await this.#issuer.token(subject, {
      roles: roles ?? user.roles ?? [],
      claims: { ...user.claims, ...claims },
      ...(expiresIn !== undefined && { expiresIn }),
    })
  }

  /** A ticket for one connection. @throws Error with the text of the gateway where it gives none */
  async ticketFor(subject: string, options: TokenOptions = {}): Promise<string> {
    const answer = await fetch(`${this.url.replace(/^ws(.*)\/amqp$/, 'http$1')}/auth/ticket?service=${SERVICE_PATH}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${await this.tokenFor(subject, options)}` },
    })
    const { ticket, error } = (await answer.json()) as { ticket?: string; error?: string }
    if (ticket === undefined) throw new Error(`no ticket for ${subject}: ${error ?? answer.status}`)
    return ticket
  }

  /** A URL for one connection of any client: `ws://127.0.0.1:PORT/amqp?ticket=…`. */
  async urlFor(subject: string, options: TokenOptions = {}): Promise<string> {
    return `${this.url}?ticket=${await this.ticketFor(subject, options)}`
  }

  /** The first line of the log with this event, now or soon. @throws Error after `withinMs`, 5 s, with what there is */
  async logged<Event extends EventName>(
    event: Event,
    matching: Matching<TestLogLine> = {},
    { withinMs = WITHIN_MS }: WaitOptions = {},
  ): Promise<TestLogLine & { readonly event: Event }> {
    return await this.#log.first(event, matching, withinMs)
  }

  /** The same in the audit trail. */
  async audited<Event extends TestAuditLine['event']>(
    event: Event,
    matching: Matching<TestAuditLine> = {},
    { withinMs = WITHIN_MS }: WaitOptions = {},
  ): Promise<TestAuditLine & { readonly event: Event }> {
    return await this.#audit.first(event, matching, withinMs)
  }

  /** Ends every session and the gateway; `await using` does so by itself. Idempotent. */
  async close(): Promise<void> {
    await this.gateway.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Starts a gateway on a free port of loopback.
 * @throws TypeError for a `broker` that is no URL, and for an unknown option; Error where no RabbitMQ is there or it does not take the user, with what to do;
 * ConfigError with every mistake in `service`
 */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  checkOptions(options)
  const broker = brokerAt(options.broker ?? DEFAULT_BROKER)
  await checkBroker(broker)
  const [config, issuer] = await Promise.all([configOf(options, broker), Issuer.make()])
  const log = new Lines<TestLogLine>('log')
  const audit = new Lines<TestAuditLine>('audit trail')
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'))
  try {
    await writeFile(join(folder, KEYS_FILE), issuer.keySet, { mode: 0o600 })
    const logTo = { write: (line: string) => sort(line, log, audit) }
    const gateway = await startGateway(config, { folder, logTo })
    return new TestGateway({ gateway, options, issuer, log, audit, folder })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

function sort(text: string, log: Lines<TestLogLine>, audit: Lines<TestAuditLine>): void {
  const line = JSON.parse(text) as TestLogLine | TestAuditLine
  if ('level' in line && line.level !== 'audit') log.add(line)
  else audit.add(line as TestAuditLine)
}
