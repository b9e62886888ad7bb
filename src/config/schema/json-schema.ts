/**
 * The configuration's JSON Schema, for editors: what `gatehouse schema` prints. Made from the schema that judges, so
 * that the two cannot differ; cross checks are not in it.
 */
import { z } from 'zod'
import { configSchema } from './schema.ts'

/** JSON Schema 2020-12 of what may be written. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input', reused: 'inline' })
  return { $schema, title: 'Configuration of Gatehouse', ...schema }
}
