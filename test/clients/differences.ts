/**
 * Tests of clients' own suites that pass straight at RabbitMQ and fail through the gateway, on purpose. The only list:
 * docs/clients.md is generated from it, and a difference that is not in it fails `npm run test:clients`.
 */
interface Difference {
  readonly client: string
  /** As the suite's report names it. */
  readonly test: string
  readonly why: string
  /** It passes at times. */
  readonly isRace?: true
}

const SECRET =
  'it sends `connection.update-secret` with a word of its own, which RabbitMQ’s users in its own database accept unread; the gateway takes it for a fresh proof of who the session is, checks it and refuses it'

export const DIFFERENCES: readonly Difference[] = [
  {
    client: 'rabbitmq-client',
    test: 'handles (un)auth error',
    why: 'it logs in with a wrong password and waits for the refusal; the gateway discards logins in AMQP, so the wait never ends',
  },
  {
    client: 'rabbitmq-client',
    test: 'connection.onConnect: reject',
    why: 'it logs in with a wrong password and wants the refusal within 10 ms; the gateway discards logins in AMQP. It passes where the connection is slow',
    isRace: true,
  },
  ...['asyncio', 'gevent', 'select_default', 'select_epoll', 'select_poll', 'select_select', 'tornado'].map((loop) => ({
    client: 'pika',
    test: `tests.acceptance.async_adapter_tests.TestUpdateSecret: test_with_${loop}`,
    why: SECRET,
  })),
  { client: 'pika', test: 'tests.acceptance.blocking_adapter_test.TestUpdateSecret: test', why: SECRET },
  {
    client: 'amqp091-go',
    test: 'TestConcurrentClose',
    why: 'it closes from 32 threads at once and bears no end of the connection while it does; the gateway ends the WebSocket right behind `close-ok`, as servers should [RFC 6455 §7.1.1], where RabbitMQ leaves the socket to the client. It passes at times',
    isRace: true,
  },
]
