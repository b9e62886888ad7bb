/** Conditions of a rule in one line: `role: trader, vhost: /`. */
export function conditionsText(when: unknown): string {
  if (typeof when !== 'object' || when === null || Object.keys(when).length === 0) return 'everyone'
  return Object.entries(when)
    .map(([key, value]) => `${key}: ${valueText(value)}`)
    .join(', ')
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(valueText).join(' or ')
  return JSON.stringify(value)
}
