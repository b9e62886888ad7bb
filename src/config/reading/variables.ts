/**
 * `${…}` in the text of a configuration: environment variables, filled in while it is read, and the variables of
 * templates, filled in for each identity by promotion and policy. `$${` stands for `${` itself.
 */

import { claimPathProblem } from '../../../auth/index.ts'
import type { Environment } from '../environment.ts'
import { suggestion } from './nearest.ts'
import type { TemplateKind } from './places.ts'

const ENVIRONMENT = /^env:([A-Za-z_][A-Za-z0-9_]*)$/
const CLAIM = /^claim\.([^${}]{1,256})$/
const QUOTED_KEY = /"(?:[^"\\]|\\.)*"/g

const KNOWN = ['subject', 'issuer', 'session', 'address']
const VARIABLES: Record<TemplateKind, readonly string[]> = {
  // The broker user is what a user name's template is about to decide.
  username: KNOWN,
  file: [...KNOWN, 'user'],
  stamp: [...KNOWN, 'user'],
  permission: [...KNOWN, 'user'],
}

type Piece = { readonly text: string } | { readonly variable: string } | { readonly unclosed: true }

/** Cuts text into what stands for itself and what is a variable. */
function pieces(text: string): Piece[] {
  const found: Piece[] = []
  let start = 0
  for (const match of text.matchAll(/\$\$\{|\$\{([^}]*)(\}?)/g)) {
    if (match.index > start) found.push({ text: text.slice(start, match.index) })
    if (match[0] === '$${') found.push({ text: '${' })
    else if (match[2] !== '}') found.push({ unclosed: true })
    else found.push({ variable: match[1] ?? '' })
    start = match.index + match[0].length
  }
  if (start < text.length) found.push({ text: text.slice(start) })
  return found
}

export interface Filled {
  readonly text: string
  /** Whether any environment variable was filled in. */
  readonly filled: boolean
  /** What is wrong with it; then `text` means nothing. */
  readonly problems: readonly string[]
}

/**
 * Fills in environment variables. In a template (`kind` given) its variables stay for later, and what was filled in is
 * escaped so that it is not taken for one; elsewhere any other `${` is a mistake.
 */
export function fillIn(text: string, env: Environment, kind?: TemplateKind): Filled {
  if (!text.includes('${')) return { text, filled: false, problems: [] }
  const problems: string[] = []
  let filled = false
  const literal = (value: string) => (kind === undefined ? value : value.replaceAll('${', () => '$${'))
  const result = pieces(text).map((piece) => {
    if ('text' in piece) return literal(piece.text)
    if ('unclosed' in piece) {
      problems.push('expected } after ${ (write $${ for ${ itself)')
      return ''
    }
    const name = ENVIRONMENT.exec(piece.variable)?.[1]
    if (name === undefined) {
      const problem = variableProblem(piece.variable, kind)
      if (problem !== undefined) problems.push(problem)
      return `\${${piece.variable}}`
    }
    const value = env[name]
    if (value === undefined) problems.push(`the environment variable ${name} is not set`)
    filled = true
    return literal(value ?? '')
  })
  return { text: result.join(''), filled, problems }
}

function variableProblem(variable: string, kind: TemplateKind | undefined): string | undefined {
  const shown = JSON.stringify(variable.slice(0, 64))
  if (kind === undefined) return `only \${env:NAME} is filled in here, not ${shown} (write $\${ for \${ itself)`
  const claim = CLAIM.exec(variable)?.[1]
  // A blank is part of a name inside quotes only: elsewhere it is a slip of the hand.
  const isClaim = claim !== undefined && !/\s/.test(claim.replaceAll(QUOTED_KEY, ''))
  if (isClaim) {
    const problem = claimPathProblem(claim)
    return problem === undefined ? undefined : `${shown}: in the claim's name, ${problem}`
  }
  if (VARIABLES[kind].includes(variable)) return undefined
  return `unknown variable ${shown}${suggestion(variable, [...VARIABLES[kind], 'claim.NAME', 'env:NAME'])}`
}
