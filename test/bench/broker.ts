/** The broker behind every relay of a benchmark. */
import type { Rabbit } from '../../src/demo/rabbitmq.ts'
import { Peer } from '../support/load-peer.ts'
import type { BenchBroker } from './gateway.ts'

/** A user of its own, and an exchange nothing is bound to. */
export async function prepareBroker(rabbit: Rabbit): Promise<BenchBroker> {
  const broker = { rabbit, vhost: 'bench', user: 'bench', password: 'bench' }
  await rabbit.management.addVhost(broker.vhost)
  await rabbit.management.addUser(broker.user, broker.password)
  await rabbit.management.permit(broker.user, broker.vhost)
  const peer = await Peer.open({ ...broker, url: `amqp://${rabbit.host}:${rabbit.port}` })
  const exchange = {
    exchange: 'bench.drop',
    type: 'topic',
    passive: false,
    durable: true,
    autoDelete: false,
    internal: false,
    noWait: false,
  }
  await peer.call('exchange.declare', { ...exchange, arguments: [] }, 'exchange.declare-ok')
  await peer.close()
  return broker
}
