/** Whoever asks, as the gateway knows them: pages show what the role may do, and nothing else. */
import { json } from '../answer.ts'
import type { ApiRoute } from '../route.ts'

export const meRoute: ApiRoute = {
  method: 'GET',
  path: '/api/v1/me',
  role: 'viewer',
  handle({ caller: { identity, role, mayLogOut } }) {
    const { subject, issuer, authenticator } = identity
    return json(200, { subject, issuer, authenticator, role, mayLogOut })
  },
}
