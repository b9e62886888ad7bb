/** The management API's own description, in the management API. */
import { json } from '../answer.ts'
import { openApiDocument } from '../openapi/document.ts'
import type { ApiRoute } from '../route.ts'

/** @param others all other routes */
export function openApiRoute(others: readonly ApiRoute[]): ApiRoute {
  const route: ApiRoute = {
    method: 'GET',
    path: '/api/openapi.json',
    role: 'viewer',
    handle: () => json(200, openApiDocument([...others, route])),
  }
  return route
}
