/** The worked examples of docs/permissions.md: their policies, and what they are said to allow. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { ConfigInput } from '../../src/index.ts'

type ServiceInput = Extract<ConfigInput['services'], readonly unknown[]>[number]

/** A line of an example's table. */
export interface Asked {
  readonly subject: string
  readonly roles: readonly string[]
  readonly claims: Readonly<Record<string, string>>
  readonly question: string
  readonly isAllowed: boolean
}

export interface PermissionExample {
  readonly permissions: NonNullable<ServiceInput['permissions']>
  readonly asked: readonly Asked[]
}

const page = readFileSync(join(import.meta.dirname, '../../docs/permissions.md'), 'utf8')

/** @throws when the page has no such example, or a table that cannot be read */
export function permissionExample(name: string): PermissionExample {
  const yaml = new RegExp(`<!-- permissions: ${name} -->\n\`\`\`yaml\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1]
  const table = new RegExp(`<!-- asked: ${name} -->\n((?:\\|.*\n)+)`).exec(page)?.[1]
  if (yaml === undefined || table === undefined) throw new Error(`docs/permissions.md has no example ${name}`)
  const { permissions } = parse(yaml) as Pick<PermissionExample, 'permissions'>
  return { permissions, asked: table.trim().split('\n').slice(2).map(askedIn) }
}

/** `| `jane`, `trader`, `region=eu` | `bind eu.#` | allowed |`: a subject, roles, claims; a question; an answer. */
function askedIn(row: string): Asked {
  const [who = '', question = '', answer = ''] = row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
  const [subject, ...rest] = [...who.matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? '')
  if (subject === undefined || !/^(allowed|refused)$/.test(answer))
    throw new Error(`docs/permissions.md: not understood: ${row}`)
  return {
    subject,
    roles: rest.filter((word) => !word.includes('=')),
    claims: Object.fromEntries(
      rest.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]),
    ),
    question: question.replace(/^`|`$/g, ''),
    isAllowed: answer === 'allowed',
  }
}
