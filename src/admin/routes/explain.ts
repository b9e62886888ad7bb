/** `gatehouse explain` in the management API: what a service in force would make of somebody. */
import { z } from 'zod'
import { suggestion } from '../../config/reading/nearest.ts'
import type { Config } from '../../config/schema/schema.ts'
import { addressRange, text } from '../../config/schema/units.ts'
import { NotExplainable, personOf } from '../../services/explain.ts'
import type { Service } from '../../services/service.ts'
import { json } from '../answer.ts'
import { readJson } from '../input.ts'
import { ApiProblem } from '../problem.ts'
import type { ApiRoute } from '../route.ts'

export interface ExplainParts {
  readonly managed: { readonly current: { readonly config: Config; readonly services: ReadonlyMap<string, Service> } }
}

const MOST_QUESTIONS = 100

export const explainSchema = z.strictObject({
  /** Its path; may be left out where there is only one. */
  service: text('the path of a service').optional(),
  subject: text('a subject').optional(),
  roles: z.array(text('a role')).max(1_000, { error: 'expected at most 1000 roles' }).prefault([]),
  claims: z.record(z.string(), z.unknown(), { error: 'expected an object of claims' }).prefault({}),
  authenticator: text('the name of an authenticator').optional(),
  issuer: text('an issuer').optional(),
  address: addressRange
    .refine((value) => !value.includes('/'), { error: 'expected one address' })
    .prefault('127.0.0.1'),
  may: z
    .array(text('a question'))
    .max(MOST_QUESTIONS, { error: `expected at most ${MOST_QUESTIONS} questions` })
    .prefault([]),
})

export function explainRoute({ managed }: ExplainParts): ApiRoute {
  return {
    method: 'POST',
    path: '/api/v1/explain',
    role: 'viewer',
    async handle({ request }) {
      const { service: path, address, may, ...person } = await readJson(request, explainSchema)
      const { config, services } = managed.current
      const written = serviceOf(config, path)
      const service = services.get(written.path)
      if (service === undefined) throw new ApiProblem(404, 'no such service')
      const explained = orMistake(() => service.explain(personOf(written, config, person), address, may))
      if (!(explained instanceof NotExplainable)) return json(200, explained)
      throw new ApiProblem(400, 'mistakes in the body', { errors: explained.message.split('\n') })
    },
  }
}

function serviceOf({ services }: Config, path: string | undefined): Config['services'][number] {
  const paths = services.map((service) => service.path)
  const [only, second] = services
  const found = path === undefined && second === undefined ? only : services.find((service) => service.path === path)
  if (found !== undefined) return found
  const errors = [
    path === undefined
      ? `service: expected one of ${paths.join(', ')}`
      : `service: no service ${JSON.stringify(path)}${suggestion(path, paths)}`,
  ]
  throw new ApiProblem(400, 'mistakes in the body', { errors })
}

function orMistake<T>(make: () => T): T | NotExplainable {
  try {
    return make()
  } catch (error) {
    if (error instanceof NotExplainable) return error
    throw error
  }
}
