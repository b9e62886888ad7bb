/**
 * A broker that is killed under load: every client hears of it in AMQP and by the WebSocket code, what was confirmed is
 * stored, and nothing of the sessions is left. A ledger of what was published and confirmed is held against the queues.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { ConfirmChannel } from 'amqplib'
import { UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { type LiveGateway, privateBroker, settleOnDisk, startLiveGateway } from '../support/live-gateway.ts'
import { watchResidue } from '../support/residue.ts'
import { waitedForProcessorMs } from '../support/run-queue.ts'
import { until, within } from '../support/until.ts'

const SESSIONS = 200
/** So many connect at once: on a busy machine all of them together would not be through within the handshake's deadline. */
const CONNECTING = 20
/** For steps that are no promise; a busy machine may take its time. */
const PATIENCE_MS = 60_000
/** Publishes of one session that wait for their confirms at any time. */
const IN_FLIGHT = 10
const QUEUES = ['ledger-0', 'ledger-1', 'ledger-2', 'ledger-3']

const descriptorCount = () => readdirSync('/dev/fd').length

/** One session that publishes without end, and what became of it. */
class Publisher {
  readonly name: string
  published = 0
  readonly confirmed: string[] = []
  readonly nacked: string[] = []
  /** What the client heard, and when, on the clock of `performance.now`. */
  connectionClose: { error: string; atMs: number } | undefined
  webSocketClose: { code: number; reason: string; atMs: number } | undefined
  readonly #channel: ConfirmChannel
  readonly #queue: string

  private constructor(name: string, queue: string, channel: ConfirmChannel) {
    this.name = name
    this.#queue = queue
    this.#channel = channel
  }

  static async connect(live: LiveGateway, at: number): Promise<Publisher> {
    const { connection, closed } = await live.connect(['joe.smith', 'ada', 'bob'][at % 3], { deadlineMs: PATIENCE_MS })
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => undefined)
    const publisher = new Publisher(`p${at}`, QUEUES[at % QUEUES.length] ?? '', channel)
    connection.on('close', (error?: Error) => {
      publisher.connectionClose = { error: String(error?.message), atMs: performance.now() }
    })
    void closed.then((close) => {
      publisher.webSocketClose = { ...close, atMs: performance.now() }
    })
    return publisher
  }

  /** From here on every confirm brings the next publish. */
  start(): void {
    for (let n = 0; n < IN_FLIGHT; n++) this.#publish()
  }

  #publish(): void {
    const id = `${this.name}:${this.published}`
    this.published += 1
    this.#channel.sendToQueue(this.#queue, Buffer.from(id), { persistent: true }, (error: Error | null) => {
      // At the end amqplib fails everything that is open: that is no answer of the broker's.
      if (error?.message === 'channel closed') return
      if (error === null) this.confirmed.push(id)
      else this.nacked.push(id)
      this.#publish()
    })
  }
}

describe('a broker that is killed while 200 sessions publish with confirms', () => {
  let live: LiveGateway
  let publishers: Publisher[]
  let killedAtMs: number
  let descriptors: number
  let isClean: ReturnType<typeof watchResidue>
  before(async () => {
    live = await startLiveGateway({ broker: await privateBroker() })
    const judge = await live.broker.judge()
    const channel = await judge.createChannel()
    for (const queue of QUEUES) await channel.assertQueue(queue, { durable: true })
    await judge.close()
    await settleOnDisk(live.broker)
    assert.equal(await live.metric('gatehouse_sessions'), 0)
    descriptors = descriptorCount()
    isClean = watchResidue()
  })
  after(() => live.stop())

  it('ends every client with connection.close 320 and WebSocket code 1012 within two seconds', async (test) => {
    publishers = []
    while (publishers.length < SESSIONS) {
      const next = Array.from({ length: CONNECTING }, (_, at) => Publisher.connect(live, publishers.length + at))
      publishers.push(...(await Promise.all(next)))
    }
    for (const publisher of publishers) publisher.start()
    await until(
      () => publishers.every(({ confirmed }) => confirmed.length >= IN_FLIGHT),
      'confirms for all',
      PATIENCE_MS,
    )
    assert.equal(await live.metric('gatehouse_sessions'), SESSIONS)

    const waitedBeforeMs = waitedForProcessorMs()
    const killed = live.broker.rabbit.halt('SIGKILL')
    killedAtMs = performance.now()
    await killed
    const isClosed = (one: Publisher) => one.webSocketClose !== undefined && one.connectionClose !== undefined
    await until(() => publishers.every(isClosed), 'all clients closed', PATIENCE_MS)
    const keptWaitingMs = waitedForProcessorMs() - waitedBeforeMs

    const texts = new Set(publishers.map(({ connectionClose }) => connectionClose?.error))
    const codes = new Set(publishers.map(({ webSocketClose }) => webSocketClose?.code))
    assert.deepEqual([...codes], [1012])
    assert.equal(texts.size, 1)
    assert.match([...texts][0] ?? '', /320 .*CONNECTION_FORCED - the connection to the broker was lost/)
    const late = publishers.flatMap(({ connectionClose, webSocketClose }) => [
      (connectionClose?.atMs ?? Number.POSITIVE_INFINITY) - killedAtMs,
      (webSocketClose?.atMs ?? Number.POSITIVE_INFINITY) - killedAtMs,
    ])
    const lastMs = Math.round(Math.max(...late))
    const toldMs = `${lastMs} ms, ${Math.round(keptWaitingMs)} ms of which others had the processor`
    test.diagnostic(`the last of ${SESSIONS} clients heard of it after ${toldMs}`)
    assert.ok(lastMs - keptWaitingMs < 2_000, toldMs)
  })

  it('leaves no session, socket or timer', async () => {
    await until(() => live.gateway.sessionCount === 0, 'no session', PATIENCE_MS)
    assert.equal(await live.metric('gatehouse_sessions'), 0)
    assert.equal(await live.metric('gatehouse_buffered_bytes'), 0)
    assert.equal(await live.metric('gatehouse_broker_failures_total'), SESSIONS)
    await isClean()
    await until(() => descriptorCount() <= descriptors, `${descriptors} file descriptors`)
  })

  it('writes one line for each session, with the cause', () => {
    const ends = live.lines.filter((line) => line['event'] === 'session-ended')
    assert.equal(ends.length, SESSIONS)
    for (const line of ends) assert.deepEqual([line['reason'], line['by']], ['broker-lost', 'broker'])
  })

  it('stays up, and says so by readiness and to those who come meanwhile', async () => {
    const { status } = await fetch(`${live.gateway.adminAddress?.url}/health/ready`)
    assert.equal(status, 503)
    const error = await live.connect().catch((caught: unknown) => caught)
    assert.ok(!(error instanceof UpgradeRefused))
    assert.match(String(error), /541 .*INTERNAL_ERROR - the broker is not available/)
  })

  it('has everything that was confirmed after the restart, nothing twice, and serves again', async (test) => {
    await live.broker.rabbit.restart()
    const judge = await live.broker.judge()
    const channel = await judge.createChannel()
    const stored: string[] = []
    for (const queue of QUEUES) {
      const { messageCount } = await channel.checkQueue(queue)
      const all = new Promise<void>((resolve) => {
        if (messageCount === 0) resolve()
        let left = messageCount
        void channel.consume(
          queue,
          (message) => {
            stored.push(String(message?.content))
            if (--left === 0) resolve()
          },
          { noAck: true },
        )
      })
      await within(all, `${messageCount} messages of ${queue}`)
    }
    await judge.close()

    const confirmed = publishers.flatMap((publisher) => publisher.confirmed)
    const published = publishers.reduce((sum, publisher) => sum + publisher.published, 0)
    const kept = new Set(stored)
    test.diagnostic(`${published} published, ${confirmed.length} confirmed, ${stored.length} stored`)
    assert.ok(confirmed.length >= SESSIONS * IN_FLIGHT)
    assert.deepEqual(
      confirmed.filter((id) => !kept.has(id)),
      [],
      'confirmed and not stored',
    )
    assert.equal(stored.length, kept.size, 'stored twice')
    assert.ok(published >= stored.length)
    assert.deepEqual(
      publishers.flatMap(({ nacked }) => nacked),
      [],
    )

    const again = await live.connect()
    await again.connection.close()
    assert.equal((await again.closed).code, 1000)
  })
})
