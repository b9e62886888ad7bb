/** Policies for tests, written as in the configuration file. */
import type { ArgumentInput, GrantInput } from '../../auth/policy/input.ts'
import { Policy, type SessionAuthorizer } from '../../auth/policy/permissions.ts'
import { compileMatch } from '../../auth/promotion/conditions/match.ts'
import type { VariableFacts } from '../../auth/promotion/conditions/variables.ts'

export interface Entry {
  readonly role?: string
  readonly configure?: readonly GrantInput[]
  readonly write?: readonly GrantInput[]
  readonly read?: readonly GrantInput[]
  readonly arguments?: Readonly<Record<string, ArgumentInput>>
}

export function facts(
  subject = 'joe.smith',
  more: { roles?: readonly string[]; claims?: Record<string, unknown> } = {},
): VariableFacts {
  return {
    identity: {
      issuer: 'https://idp.example.com',
      subject,
      authenticator: 'sso',
      roles: more.roles ?? ['trader'],
      claims: more.claims ?? {},
      fromCookie: false,
    },
    address: '203.0.113.7',
    session: 's1',
    user: 'webuser',
  }
}

export function policy(entries: readonly Entry[], options: { enforce?: boolean } = {}): Policy<VariableFacts> {
  return new Policy(
    entries.map(({ role, configure = [], write = [], read = [], arguments: rules }) => ({
      match: compileMatch(role === undefined ? undefined : { role }),
      configure,
      write,
      read,
      arguments: rules,
    })),
    options,
  )
}

/** The authorizer of joe.smith, a trader. */
export function authorizer(...entries: readonly Entry[]): SessionAuthorizer<VariableFacts> {
  return policy(entries).authorizer(facts())
}
