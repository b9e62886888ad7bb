/** What docs/security.md says of one attack; a row's id stays, whatever becomes of the others. */
export type AttackRow = readonly [id: string, attempt: string, defence: string]
