/** The management API as an OpenAPI document, made of its routes and of the schemas that check what they are sent. [OpenAPI 3.1] */
import { z } from 'zod'
import { version } from '../../ops/version.ts'
import type { ApiRoute } from '../route.ts'
import { problem } from './answers.ts'
import { OPERATIONS, type Operation } from './operations.ts'

type Json = Readonly<Record<string, unknown>>
type DescribedRoute = Pick<ApiRoute, 'method' | 'path' | 'role' | 'event'>

export function openApiDocument(routes: readonly DescribedRoute[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = paths[route.path] ?? {}
    paths[route.path] = { ...path, [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Management of Gatehouse',
      version: version(),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ basic: [] }, { bearer: [] }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problem, 'output') },
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
  }
}

function operationOf({ method, path, role, event }: DescribedRoute): Json {
  const operation = OPERATIONS[`${method} ${path}`]
  const { summary = '', body, status = 200 } = operation ?? {}
  const audited = event === undefined ? '' : ` Recorded as ${event}.`
  return {
    summary,
    description: `Needs the role ${role}.${audited}`,
    operationId: operationId(method, path),
    parameters: parametersOf(path, operation),
    ...(body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: {
      [status]: { description: summary, ...contentOf(operation) },
      default: {
        description: 'Refused. The body says why.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function contentOf({ answer, type = 'application/json' }: Partial<Operation> = {}): Json {
  if (answer !== undefined) return { content: { [type]: { schema: schemaOf(answer, 'output') } } }
  return type === 'application/json' ? {} : { content: { [type]: { schema: { type: 'string' } } } }
}

function parametersOf(path: string, { query, headers = {} }: Partial<Operation> = {}): readonly Json[] {
  const properties = query === undefined ? {} : ((schemaOf(query, 'input')['properties'] ?? {}) as Json)
  return [
    ...(path.includes('{id}')
      ? [{ name: 'id', in: 'path', required: true, schema: { type: 'string', pattern: '^[A-Za-z0-9-]{1,64}$' } }]
      : []),
    ...Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema })),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: { type: 'string' },
    })),
  ]
}

/** `getSessionsById`. */
function operationId(method: string, path: string): string {
  const words = path
    .replace(/^\/api\/(?:v1\/)?/, '')
    .replace('{id}', 'by-id')
    .split(/[^A-Za-z]+/)
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

/** @param io what may be sent, with everything that may be left out; or what comes out */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, reused: 'inline', target: 'draft-2020-12' })
  return json
}
