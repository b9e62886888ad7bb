/** The three roles of people who manage the gateway. Each may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'administrator'] as const

export type Role = (typeof ROLES)[number]

/** Whether somebody with one role may do what another is needed for. */
export function includes(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}
