/**
 * Tests of clients' own suites that pass straight at RabbitMQ and fail through the gateway, on purpose. The only list:
 * docs/clients.md is generated from it, and a difference that is not in it fails `npm run test:clients`.
 */
interface Difference {
  readonly client: string
  /** As the suite's report names it. */
  readonly test: string
  readonly why: string
}

export const DIFFERENCES: readonly Difference[] = [
  {
    client: 'rabbitmq-client',
    test: 'handles (un)auth error',
    why: 'it logs in with a wrong password and waits for the refusal; the gateway discards logins in AMQP. Left out of both runs, since it never ends',
  },
]
