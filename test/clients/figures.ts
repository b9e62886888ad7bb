/**
 * How many tests each client's suite has, and how many pass straight at RabbitMQ 3.10.8 of Debian 12. The rest need what is
 * not there: TLS ports, a network proxy, settings of the broker. Through the gateway the same pass, except for those in
 * differences.ts. `npm run test:clients` compares its run with this table, and docs/clients.md is generated from both.
 */
interface Figures {
  readonly client: string
  readonly version: string
  readonly tests: number
  readonly straight: number
}

export const FIGURES: readonly Figures[] = [
  { client: 'amqplib', version: '0.10.3', tests: 255, straight: 255 },
  { client: 'rabbitmq-client', version: '5.0.8', tests: 50, straight: 49 },
  { client: 'pika', version: '1.3.2', tests: 588, straight: 545 },
  { client: 'amqp091-go', version: '1.5.0', tests: 116, straight: 116 },
  { client: 'php-amqplib', version: '3.7.3', tests: 95, straight: 73 },
]
