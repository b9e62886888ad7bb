/** Patterns that do not keep apart the people for whom they are filled in: told, and what to write instead. */
import { unseparated } from '../../../auth/index.ts'
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { ServiceConfig } from '../schema/schema.ts'

const LISTS = ['configure', 'write', 'read'] as const

export function blurredPatterns({ permissions = [] }: ServiceConfig, path: Path): Finding[] {
  return permissions.flatMap((entry, position) =>
    LISTS.flatMap((list) =>
      entry[list].flatMap((rule, index) =>
        Object.entries(rule).flatMap(([key, pattern]): Finding[] =>
          pattern === undefined ? [] : blurred(pattern, [...path, 'permissions', position, list, index, key], 'word'),
        ),
      ),
    ),
  )
}

/** Broker users, and files with their passwords. */
export function blurredCredentials({ promote }: ServiceConfig, path: Path): Finding[] {
  return promote.flatMap(({ to }, index) => {
    if (typeof to !== 'object') return []
    const { username, password } = to
    const at = [...path, 'promote', index, 'to']
    return [
      ...blurred(username, [...at, 'username'], 'literal'),
      ...(password.kind === 'file' ? blurred(password.path, [...at, 'password', 'file'], 'literal') : []),
    ]
  })
}

/** What no value has, and so shows where one ends. */
const SEPARATORS = {
  word: { separator: '.', name: 'a dot' },
  literal: { separator: '/', name: 'a colon or a slash' },
} as const

function blurred(pattern: string, path: Path, values: 'word' | 'literal'): Finding[] {
  const found = unseparated(pattern, values)
  if (found === undefined) return []
  const { left, right } = found
  const { separator, name } = SEPARATORS[values]
  const message = `${left} and ${right} run into each other, so that one person's names may be another's: put ${name} between them, which no value has (${left}${separator}${right})`
  return [{ path, at: 'value', message }]
}
