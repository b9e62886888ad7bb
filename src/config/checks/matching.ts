/** Conditions of `when` and `for`: their expressions must be ones that can be decided in linear time. */
import type { Finding } from '../issues.ts'
import type { Path } from '../problems.ts'
import type { PermissionConfig, RuleConfig } from '../schema.ts'

type Match = RuleConfig['when'] | NonNullable<PermissionConfig['for']>

function checkExpressions(conditions: readonly unknown[], path: Path): Finding[] {
  return conditions.flatMap((condition, index): Finding[] => {
    if (condition === null || typeof condition !== 'object' || !('matches' in condition)) return []
    try {
      new RegExp(String(condition.matches), 'u')
      return []
    } catch {
      return [{ path: [...path, index, 'matches'], at: 'value', message: 'expected a regular expression' }]
    }
  })
}

export function checkMatch({ claim, ...others }: Match, path: Path): Finding[] {
  const claims = Object.entries(claim ?? {}).map(([name, conditions]) => ({
    path: [...path, 'claim', name],
    conditions,
  }))
  const rest = Object.entries(others).map(([name, conditions]) => ({
    path: [...path, name],
    conditions: conditions ?? [],
  }))
  return [...claims, ...rest].flatMap(({ path: at, conditions }) => checkExpressions(conditions, at))
}
