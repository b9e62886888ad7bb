/**
 * Regular expressions that cannot be made slow: parsed here and run as an automaton, so that a value of n characters
 * costs at most n times the expression's size, whatever it is. They always cover the whole value.
 *
 * Spoken: characters, `.`, `[a-z]`, `[^a-z]`, `\d \w \s` and their capitals, `\` before punctuation, `( )`, `(?: )`, `|`,
 * `* + ?` and `{n} {n,} {n,m}`. Not spoken, and refused: `^ $`, lazy and possessive forms, look-around, back-references.
 */
import { parseExpression, type Syntax } from './expression-syntax.ts'

/** The automaton's size: bounds the time for one character. */
const MAX_STEPS = 1000
const MAX_VALUE_CHARACTERS = 1024

type Step =
  | { readonly kind: 'character'; readonly accepts: (codePoint: number) => boolean }
  | { readonly kind: 'fork'; readonly to: readonly number[] }
  | { readonly kind: 'end' }

/**
 * Compiles an expression to a predicate; values longer than 1024 characters never match.
 * @throws SyntaxError saying what is not understood and where
 */
export function compileExpression(source: string): (value: string) => boolean {
  const steps: Step[] = []
  assemble(parseExpression(source), steps)
  add(steps, { kind: 'end' })
  return (value) => run(steps, value)
}

/** Appends the steps of one piece of syntax; what follows it continues at the end of the list. */
function assemble(syntax: Syntax, steps: Step[]): void {
  switch (syntax.kind) {
    case 'character':
      add(steps, syntax)
      return
    case 'sequence':
      for (const item of syntax.items) assemble(item, steps)
      return
    case 'choice': {
      const fork = reserve(steps)
      const starts: number[] = []
      const exits: number[] = []
      for (const item of syntax.items) {
        starts.push(steps.length)
        assemble(item, steps)
        exits.push(reserve(steps))
      }
      steps[fork] = { kind: 'fork', to: starts }
      for (const exit of exits) steps[exit] = { kind: 'fork', to: [steps.length] }
      return
    }
    case 'repeat': {
      for (let count = 0; count < syntax.min; count += 1) assemble(syntax.item, steps)
      if (syntax.max === Number.POSITIVE_INFINITY) {
        const fork = reserve(steps)
        assemble(syntax.item, steps)
        add(steps, { kind: 'fork', to: [fork] })
        steps[fork] = { kind: 'fork', to: [fork + 1, steps.length] }
        return
      }
      const forks: number[] = []
      for (let count = syntax.min; count < syntax.max; count += 1) {
        forks.push(reserve(steps))
        assemble(syntax.item, steps)
      }
      for (const fork of forks) steps[fork] = { kind: 'fork', to: [fork + 1, steps.length] }
    }
  }
}

function add(steps: Step[], step: Step): void {
  if (steps.length >= MAX_STEPS) throw new SyntaxError('the expression is too large: write smaller repetitions')
  steps.push(step)
}

function reserve(steps: Step[]): number {
  add(steps, { kind: 'fork', to: [] })
  return steps.length - 1
}

/** Follows all paths at once, one character at a time. */
function run(steps: readonly Step[], value: string): boolean {
  const characters = [...value]
  if (characters.length > MAX_VALUE_CHARACTERS) return false
  let current = reach(steps, [0])
  for (const character of characters) {
    const codePoint = character.codePointAt(0) ?? 0
    const next: number[] = []
    for (const index of current) {
      const step = steps[index]
      if (step?.kind === 'character' && step.accepts(codePoint)) next.push(index + 1)
    }
    if (next.length === 0) return false
    current = reach(steps, next)
  }
  return current.has(steps.length - 1)
}

/** All steps that can be stood on without taking a character. */
function reach(steps: readonly Step[], from: readonly number[]): Set<number> {
  const seen = new Set<number>(from)
  const open = [...seen]
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const step = steps[index]
    if (step?.kind !== 'fork') continue
    for (const target of step.to) {
      if (seen.has(target)) continue
      seen.add(target)
      open.push(target)
    }
  }
  return seen
}
