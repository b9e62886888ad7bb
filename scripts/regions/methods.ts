/** The protocol's methods as a table, from METHODS. */

import type { MethodSpec } from '../../proxy/codec/spec.ts'
import { METHODS } from '../../proxy/codec/spec.ts'
import { markdownTable } from '../generated-regions.ts'

const SENDERS = { client: 'client', broker: 'broker', both: 'either' } as const satisfies Record<
  MethodSpec['from'],
  string
>

/** Every method: its ids, who may send it, whether content follows, its fields in wire order. */
export function methodTable(): string {
  const rows = Object.entries<MethodSpec>(METHODS).map(([name, { id, from, content, fields }]) => [
    `\`${name}\``,
    `${id[0]}, ${id[1]}`,
    SENDERS[from],
    content === true ? 'yes' : '',
    Object.entries(fields)
      .map(([field, type]) => `${field} *${type}*`)
      .join(', '),
  ])
  return markdownTable(['method', 'class, method', 'sent by', 'content', 'fields'], rows)
}
