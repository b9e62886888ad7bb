/**
 * The way of a session to a moment at which its end costs nobody anything: no message is half sent in either direction, no
 * publish waits for its confirm, no delivery for its acknowledgement, no transaction is open.
 *
 * The broker is asked to deliver nothing more, and what is on its way is handed on. The client is read as before until it
 * has settled what only it can settle; only then is what would begin something (a publish, a `basic.get`) held back, and
 * with it everything behind it. So what reaches the broker is always the beginning of what the client has sent: no
 * acknowledgement overtakes the publish that was made before it.
 */
import type { Consumer, ConsumerWatcher } from '../../filters/track/consumers.ts'
import { type Channel, EXPECT_METHOD } from './channels.ts'
import type { Relay } from './relay.ts'

/** A publish that asks for a direct reply is refused once nobody consumes from it. [RabbitMQ: direct reply-to] */
const DIRECT_REPLIES = 'amq.rabbitmq.reply-to'

export class QuietPoint implements ConsumerWatcher {
  readonly #relay: Relay

  constructor(relay: Relay) {
    this.#relay = relay
    const { consumers } = relay.slots.track
    for (const consumer of consumers.list()) if (consumer.isStarted || consumer.isSilent) this.#cancel(consumer)
    consumers.watchers.add(this)
  }

  /** For the book of consumers: one that was asked for before, or is started nevertheless. */
  started(consumer: Consumer): void {
    this.#cancel(consumer)
  }

  get isReached(): boolean {
    if (this.#isConsuming) return false
    for (const channel of this.#relay.channels) if (!isQuiet(channel)) return false
    return true
  }

  /** Whether nothing may begin any more, as everything that waits for the client is done. */
  get holdsBack(): boolean {
    if (this.#isConsuming) return false
    for (const channel of this.#relay.channels)
      if (channel.fromClient.expect !== EXPECT_METHOD || (isOpen(channel) && channel.dues?.areClients === true))
        return false
    return true
  }

  /** No longer on its way. */
  stop(): void {
    this.#relay.slots.track.consumers.watchers.remove(this)
  }

  /** Whether the broker may still have something for a consumer. */
  get #isConsuming(): boolean {
    const { consumers } = this.#relay.slots.track
    return consumers.count > 0 && consumers.list().some((consumer) => !isForDirectReplies(consumer))
  }

  #cancel(consumer: Consumer): void {
    if (consumer.isCancelled || consumer.tag === '' || isForDirectReplies(consumer)) return
    const channel = this.#relay.channels.get(consumer.channel)
    if (channel !== undefined) this.#relay.endsDeliveries(channel, consumer.tag)
  }
}

/** A channel whose end has begun owes nothing more but that end. */
function isQuiet({ fromClient, fromBroker, client, dues, atBrokerBoundary }: Channel): boolean {
  if (fromClient.expect !== EXPECT_METHOD || fromBroker.expect !== EXPECT_METHOD) return false
  if (atBrokerBoundary !== undefined || client.state === 'asked') return false
  return client.state !== 'open' || dues === undefined || dues.areNone
}

function isOpen({ client }: Channel): boolean {
  return client.state === 'open'
}

function isForDirectReplies({ queue }: Consumer): boolean {
  return queue.name === DIRECT_REPLIES
}
