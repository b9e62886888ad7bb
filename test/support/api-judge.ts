/** Judges answers of the management API by the API's own description. */
import assert from 'node:assert/strict'
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js'

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>
  readonly components: { readonly schemas: { readonly Problem: AnySchema } }
}

interface DescribedOperation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: AnySchema }>> }>
  >
}

export class ApiJudge {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, formats: { 'date-time': isTime } })
  readonly #described: Described

  /** @param document the answer of `GET /api/openapi.json` */
  constructor(document: unknown) {
    this.#described = document as Described
  }

  /** The routes it describes: `GET /api/v1/overview`. */
  get routes(): readonly string[] {
    return Object.entries(this.#described.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
  }

  /** @param route method and path, as asked */
  check(route: string, status: number, value: unknown): void {
    const [method = '', asked = ''] = route.split(' ')
    const path = (asked.split('?')[0] ?? '').replace(/(?<=\/(?:sessions|blocks)\/)[^/]+$/, '{id}')
    const operation = this.#described.paths[path]?.[method.toLowerCase()]
    assert.ok(operation, `${route} is described`)
    const isProblem = status >= 400
    if (!isProblem) assert.ok(operation.responses[status], `${route} may answer ${status}`)
    const schema = isProblem
      ? this.#described.components.schemas.Problem
      : operation.responses[status]?.content?.['application/json']?.schema
    if (schema === undefined) return
    const isValid = this.#ajv.validate(schema, value)
    assert.ok(isValid, `${route}: ${this.#ajv.errorsText()}\n${JSON.stringify(value)}`)
  }
}

function isTime(text: string): boolean {
  return !Number.isNaN(Date.parse(text))
}
