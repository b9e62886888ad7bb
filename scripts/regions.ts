/**
 * All generated regions. To add one: a function that returns Markdown, a line here, and the two marker comments in the
 * page where it shall stand; then `npm run docs`.
 */
import type { Region } from './generated-regions.ts'
import { closeCodeTable, replyCodeTable } from './regions/codes.ts'
import { methodTable } from './regions/methods.ts'
import { phaseDiagram, phaseTable } from './regions/phases.ts'

export const REGIONS: readonly Region[] = [
  { page: 'docs/architecture.md', name: 'phases', render: phaseDiagram },
  { page: 'docs/architecture.md', name: 'phase-table', render: phaseTable },
  { page: 'docs/protocol.md', name: 'methods', render: methodTable },
  { page: 'docs/protocol.md', name: 'reply-codes', render: replyCodeTable },
  { page: 'docs/protocol.md', name: 'close-codes', render: closeCodeTable },
]
