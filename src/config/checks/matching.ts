/** Conditions of `when` and `for`, judged by those who will decide by them. */
import { compileMatch, InvalidConfiguration } from '../../../auth/index.ts'
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { PermissionConfig, RuleConfig } from '../schema/schema.ts'

type Conditions = RuleConfig['when'] | NonNullable<PermissionConfig['for']>

/** What the rule engine would refuse: expressions it does not speak, conditions that could never hold. */
export function checkMatch(conditions: Conditions, path: Path): Finding[] {
  try {
    compileMatch(conditions, { tags: 'tag' in conditions })
    return []
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    return error.problems.map(({ path: below, message }) => ({ path: [...path, ...below], at: 'value', message }))
  }
}
