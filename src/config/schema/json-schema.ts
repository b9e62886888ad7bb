/**
 * The configuration's JSON Schema, for editors: what `gatehouse schema` prints. Made from the schema that judges, so
 * that the two cannot differ; cross checks are not in it.
 */
import { z } from 'zod'
import { doorSchema } from './door.ts'
import { configSchema } from './schema.ts'

/** JSON Schema 2020-12 of what may be written. */
export function configJsonSchema(): Record<string, unknown> {
  return titled('Configuration of Gatehouse', configSchema)
}

/** The same of a door's configuration. */
export function doorJsonSchema(): Record<string, unknown> {
  return titled('Configuration of a door of Gatehouse', doorSchema)
}

function titled(title: string, judging: z.ZodType): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(judging, { io: 'input', reused: 'inline' })
  return { $schema, title, ...schema }
}
