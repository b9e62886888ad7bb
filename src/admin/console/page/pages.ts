/** The pages of the console, in the order of the navigation, and the role that each needs. */
import type { ComponentType } from 'preact'
import type { Role } from './api/shapes.ts'
import { Audit } from './pages/audit.tsx'
import { Blocks } from './pages/blocks.tsx'
import { Brokers } from './pages/brokers.tsx'
import { Configuration } from './pages/configuration/configuration.tsx'
import { Now } from './pages/now.tsx'
import { Refusals } from './pages/refusals.tsx'
import { Rules } from './pages/rules.tsx'
import { Sessions } from './pages/sessions/sessions.tsx'

interface PageEntry {
  /** As it stands in addresses. */
  readonly name: string
  readonly title: string
  readonly role: Role
  readonly Content: ComponentType
}

export const PAGES: readonly PageEntry[] = [
  { name: 'now', title: 'Now', role: 'viewer', Content: Now },
  { name: 'sessions', title: 'Sessions', role: 'viewer', Content: Sessions },
  { name: 'refusals', title: 'Refusals', role: 'viewer', Content: Refusals },
  { name: 'blocks', title: 'Blocks', role: 'operator', Content: Blocks },
  { name: 'brokers', title: 'Brokers', role: 'viewer', Content: Brokers },
  { name: 'rules', title: 'Rules', role: 'viewer', Content: Rules },
  { name: 'configuration', title: 'Configuration', role: 'administrator', Content: Configuration },
  { name: 'audit', title: 'Audit', role: 'viewer', Content: Audit },
]
