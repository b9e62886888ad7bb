/** What a request brings, read strictly: every mistake is told, nothing unknown is overlooked, nothing is unbounded. */
import type { IncomingMessage } from 'node:http'
import type { z } from 'zod'
import { isTooLarge, readBody } from '../http/auth/request.ts'
import { ApiProblem } from './problem.ts'
import { repeatedKey } from './repeated-key.ts'

const BODY_BYTES = 64 * 1024

/** The body as JSON of a schema; a request without a body has an empty object. @throws {ApiProblem} 400 or 413 */
export async function readJson<T extends z.ZodType>(
  request: IncomingMessage,
  schema: T,
  mostBytes = BODY_BYTES,
): Promise<z.output<T>> {
  const text = isTooLarge(request, mostBytes) ? undefined : await readBody(request, mostBytes)
  if (text === undefined) throw new ApiProblem(413, `expected a body of at most ${mostBytes / 1024} KiB`)
  const value = text === '' ? {} : parsed(text)
  if (value === undefined) throw new ApiProblem(400, 'mistakes in the body', { errors: ['expected JSON'] })
  const twice = repeatedKey(text)
  if (twice !== undefined)
    throw new ApiProblem(400, 'mistakes in the body', { errors: [`${twice}: stands there twice`] })
  return checked(value, schema, 'the body')
}

/** The query as an object of a schema; what is given several times is a list. @throws {ApiProblem} 400 */
export function readQuery<T extends z.ZodType>(query: URLSearchParams, schema: T): z.output<T> {
  const found = new Map<string, string | string[]>()
  for (const key of new Set(query.keys())) {
    const [only = '', ...others] = query.getAll(key)
    found.set(key, others.length === 0 ? only : [only, ...others])
  }
  return checked(Object.fromEntries(found), schema, 'the query')
}

/** @throws {ApiProblem} 400 with every mistake */
export function checked<T extends z.ZodType>(value: unknown, schema: T, what: string): z.output<T> {
  const result = schema.safeParse(value, { error: textOf })
  if (result.success) return result.data
  throw new ApiProblem(400, `mistakes in ${what}`, { errors: [...new Set(result.error.issues.flatMap(mistakesOf))] })
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
}

/** In the place of a text that alternatives as a whole do not have. */
const ALTERNATIVES_SPEAK = ''

/** Where the schema has no text of its own. */
function textOf({ code, input, expected }: z.core.$ZodRawIssue): string | undefined {
  if (code === 'invalid_union') return ALTERNATIVES_SPEAK
  if (code !== 'invalid_type') return undefined
  return input === undefined ? 'missing' : `expected ${KINDS[String(expected)] ?? String(expected)}`
}

/** Undefined is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Of alternatives that all failed, and have no text for it, the first one's mistakes say most. */
function mistakesOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_union' && issue.message === ALTERNATIVES_SPEAK) {
    const [first] = issue.errors
    if (first !== undefined && first.length > 0)
      return first.flatMap((below) => mistakesOf({ ...below, path: [...issue.path, ...below.path] }))
  }
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${[...issue.path, key].map(String).join('.')}: unknown key`)
  const place = issue.path.map(String).join('.')
  return [place === '' ? issue.message : `${place}: ${issue.message}`]
}
