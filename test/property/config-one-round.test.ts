/** Mistakes in a configuration are told in one round: whatever is told of each mistake alone is told of all together. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parse } from 'yaml'
import { parseConfig } from '../../src/config/reading/load.ts'
import { ConfigError, type Problem } from '../../src/config/reading/problems.ts'
import { configFiles, FIXTURE_ENV } from '../support/config-files.ts'

type Step = string | number
interface Mistake {
  readonly at: readonly Step[]
  /** A key's or a name's misspelling, or nothing for a key that is left out. */
  readonly written?: string
}

const file = join(configFiles(), 'valid/mapped-and-consolidated.yaml')
const text = readFileSync(file, 'utf8')

/** In one service, one authenticator, one broker: nothing of it refers to another one that is also wrong. */
const MISTAKES: readonly Mistake[] = [
  { at: ['services', 0, 'broker'], written: 'mian' },
  { at: ['services', 0, 'promote', 0, 'to'], written: 'nobdy' },
  { at: ['services', 0, 'promote', 0, 'wen'], written: 'a' },
  { at: ['services', 0, 'path'] },
  { at: ['services', 0, 'orgins'], written: 'a' },
  { at: ['services', 0, 'authenticate', 0], written: 'stfaf' },
  { at: ['authenticators', 'new', 'type'], written: 'jwt' },
  { at: ['brokers', 'main', 'credentials', 'b', 'pasword'], written: 'a' },
  { at: ['brokers', 'other', 'ulrs'], written: 'a' },
  { at: ['listen', 'prot'], written: 'a' },
]

function problemsWith(mistakes: readonly Mistake[]): readonly Problem[] {
  const config: unknown = parse(text)
  for (const { at, written } of mistakes) set(config, at, written)
  try {
    parseConfig(config as never, { env: FIXTURE_ENV, files: false })
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems
  }
}

function set(value: unknown, [step, ...rest]: readonly Step[], written: string | undefined): void {
  if (step === undefined || value === null || typeof value !== 'object') return
  if (rest.length > 0) {
    const inner: unknown = Reflect.get(value, step) ?? {}
    Reflect.set(value, step, inner)
    set(inner, rest, written)
  } else if (written === undefined) Reflect.deleteProperty(value, step)
  else Reflect.set(value, step, written)
}

/** Without the suggestion, which depends on what else there is. */
const shown = ({ path, message }: Problem) => `${path}: ${message.split(';')[0]}`

describe('mistakes in a configuration', () => {
  it('are told each', () => {
    for (const mistake of MISTAKES) assert.ok(problemsWith([mistake]).length > 0, mistake.at.join('.'))
  })

  it('are told together as they are alone', () => {
    fc.assert(
      fc.property(fc.subarray([...MISTAKES], { minLength: 2 }), (mistakes) => {
        const together = new Set(problemsWith(mistakes).map(shown))
        const alone = mistakes.flatMap((mistake) => problemsWith([mistake]).map(shown))
        assert.deepEqual(
          alone.filter((one) => !together.has(one)),
          [],
        )
      }),
      { numRuns: 100 },
    )
  })
})
