/**
 * All generated regions. To add one: a function that returns Markdown, a line here, and the two marker comments in the
 * page where it shall stand; then `npm run docs`.
 */
import { commandReference } from '../src/cli/reference.ts'
import { configReference, doorReference } from '../src/config/schema/reference.ts'
import type { Region } from './generated-regions.ts'
import { alertTable } from './regions/alerts.ts'
import { attackTable } from './regions/attacks.ts'
import { auditEvents, auditFields } from './regions/audit.ts'
import { clientDifferenceTable, clientFigureTable, clientSourceTable } from './regions/clients.ts'
import { closeCodeTable, replyCodeTable } from './regions/codes.ts'
import { deviationTable } from './regions/deviations.ts'
import { methodTable } from './regions/methods.ts'
import { needsCases, needsTable } from './regions/needs.ts'
import {
  brokerFailureTable,
  doorMetricTable,
  doorRefusalTable,
  dropTable,
  endTable,
  eventTable,
  fieldTable,
  metricTable,
  refusalTable,
} from './regions/operations.ts'
import { phaseDiagram, phaseTable } from './regions/phases.ts'
import { strategyTable } from './regions/strategies.ts'

export const REGIONS: readonly Region[] = [
  { page: 'docs/architecture.md', name: 'phases', render: phaseDiagram },
  { page: 'docs/architecture.md', name: 'phase-table', render: phaseTable },
  { page: 'docs/audit.md', name: 'audit-events', render: auditEvents },
  { page: 'docs/audit.md', name: 'audit-fields', render: auditFields },
  { page: 'docs/clients.md', name: 'client-sources', render: clientSourceTable },
  { page: 'docs/clients.md', name: 'client-figures', render: clientFigureTable },
  { page: 'docs/clients.md', name: 'client-differences', render: clientDifferenceTable },
  { page: 'docs/authentication.md', name: 'strategies', render: strategyTable },
  { page: 'docs/command-line.md', name: 'commands', render: commandReference },
  { page: 'docs/configuration.md', name: 'configuration', render: configReference },
  { page: 'docs/errors.md', name: 'refusals', render: refusalTable },
  { page: 'docs/errors.md', name: 'drops', render: dropTable },
  { page: 'docs/errors.md', name: 'ends', render: endTable },
  { page: 'docs/logging.md', name: 'events', render: eventTable },
  { page: 'docs/logging.md', name: 'fields', render: fieldTable },
  { page: 'docs/metrics.md', name: 'metrics', render: metricTable },
  { page: 'docs/metrics.md', name: 'door-metrics', render: doorMetricTable },
  { page: 'docs/metrics.md', name: 'alerts', render: alertTable },
  { page: 'docs/reverse-connectivity.md', name: 'door-configuration', render: doorReference },
  { page: 'docs/reverse-connectivity.md', name: 'door-refusals', render: doorRefusalTable },
  { page: 'docs/permissions.md', name: 'needs', render: needsTable },
  { page: 'docs/permissions.md', name: 'needs-cases', render: needsCases },
  { page: 'docs/permissions.md', name: 'stricter', render: deviationTable },
  { page: 'docs/promotion.md', name: 'broker-failures', render: brokerFailureTable },
  { page: 'docs/protocol.md', name: 'methods', render: methodTable },
  { page: 'docs/protocol.md', name: 'reply-codes', render: replyCodeTable },
  { page: 'docs/protocol.md', name: 'close-codes', render: closeCodeTable },
  ...(['handshake', 'permissions', 'desync', 'exhaustion', 'edge'] as const).map((section) => ({
    page: 'docs/security.md',
    name: `attacks-${section}`,
    render: () => attackTable(section),
  })),
]
