/** The audit events and their fields, from the tables that the gateway itself uses. */
import { AUDIT_COMMON, AUDIT_EVENTS, AUDIT_FIELDS, type AuditEventSpec } from '../../proxy/index.ts'
import { markdownTable } from '../generated-regions.ts'

export function auditEvents(): string {
  const rows = Object.entries<AuditEventSpec>(AUDIT_EVENTS).map(([event, { means, include, fields }]) => [
    `\`${event}\``,
    means,
    include === undefined ? 'always' : `\`${include}\``,
    fields.map((field) => `\`${field}\``).join(' '),
  ])
  return markdownTable(['event', 'means', 'written', 'fields, beside the common ones'], rows)
}

export function auditFields(): string {
  const common = Object.entries(AUDIT_COMMON).map(([field, means]) => [`\`${field}\``, means, 'yes'])
  const special = Object.entries(AUDIT_FIELDS).map(([field, means]) => [`\`${field}\``, means, ''])
  return markdownTable(['field', 'means', 'in every event of a session'], [...common, ...special])
}
