/** Where permissions are stricter than RabbitMQ's, from the table that the test of equivalence goes by. */
import { DEVIATIONS } from '../../test/support/permission-deviations.ts'
import { markdownTable } from '../generated-regions.ts'

export function deviationTable(): string {
  return markdownTable(
    ['', 'RabbitMQ', 'here'],
    DEVIATIONS.map(({ name, rabbitmq, here }) => [name, rabbitmq, here]),
  )
}
