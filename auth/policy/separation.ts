/**
 * Whether a pattern keeps apart those for whom it is filled in. A value enters as a word of `A-Za-z0-9_-` and `%XX`, so
 * only other characters show where it ends: `${claim.tenant}-${claim.user}` is `a-b-c` for `b-c` of `a` and for `c` of
 * `a-b`; `ui.${subject}*` of `joe` reaches `ui.joey`.
 */
import { compileTemplate } from '../promotion/conditions/variables.ts'

/** A variable, and what follows or precedes it with nothing in between that no value has. */
interface Unseparated {
  /** As written: `${subject}`, or a wildcard. */
  readonly left: string
  readonly right: string
}

/** Characters that a value may have: as a word of names and keys, and as it is in broker users and names of files. */
const OF_VALUES = { word: /^[A-Za-z0-9_%-]*$/, literal: /^[A-Za-z0-9._@+-]*$/ } as const
const WILDCARDS = /[*?]/

/**
 * The first two neighbours that run into each other: two variables, or a variable and a wildcard.
 * @throws SyntaxError for what is no template
 */
export function unseparated(pattern: string, values: 'word' | 'literal'): Unseparated | undefined {
  let left: { readonly text: string; readonly isVariable: boolean } | undefined
  let between = ''
  for (const { variable, text } of compileTemplate(pattern).parts) {
    const pieces = variable || values === 'literal' ? [text] : text.split(/(?<=[*?])|(?=[*?])/)
    for (const piece of pieces) {
      if (!variable && (values === 'literal' || !WILDCARDS.test(piece))) {
        between += piece
        continue
      }
      const right = { text: variable ? `\${${piece}}` : piece, isVariable: variable }
      const isBlurred = left !== undefined && (left.isVariable || variable) && OF_VALUES[values].test(between)
      if (left !== undefined && isBlurred) return { left: left.text, right: right.text }
      left = right
      between = ''
    }
  }
  return undefined
}
