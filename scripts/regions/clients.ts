/** Where clients' own suites go otherwise through the gateway, from the table that `npm run test:clients` goes by. */
import { DIFFERENCES } from '../../test/clients/differences.ts'
import { markdownTable } from '../generated-regions.ts'

export function clientDifferenceTable(): string {
  return markdownTable(
    ['client', 'test', 'why it fails through the gateway'],
    DIFFERENCES.map(({ client, test, why }) => [client, `\`${test}\``, why]),
  )
}
