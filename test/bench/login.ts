/** One login by HTTP Basic at `/auth/ticket`, from whatever address a trusted proxy says. For `logins.ts` and its storm. */
import { type Agent, request } from 'node:http'

export interface Login {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly address: string
  readonly agent: Agent
}

/** The status of the answer; 0 where there was none. */
export function login(one: Login): Promise<number> {
  const { port, user, password, address, agent } = one
  return new Promise((resolve) => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    const headers = { authorization, 'x-forwarded-for': address }
    const asked = request(
      { host: '127.0.0.1', port, path: '/auth/ticket', method: 'POST', agent, headers },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    // An idle connection may be closed at the very moment when it is used again. [RFC 9112 §9.6]
    const failed = ({ code }: NodeJS.ErrnoException) =>
      resolve(asked.reusedSocket && code === 'ECONNRESET' ? login(one) : 0)
    asked.on('error', failed).end()
  })
}
