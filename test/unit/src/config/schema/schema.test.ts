/** The JSON Schema and what is derived beside it: nothing of the schema is forgotten anywhere. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { isFilePlace, isSecretPlace } from '../../../../../src/config/reading/places.ts'
import { configJsonSchema } from '../../../../../src/config/schema/json-schema.ts'
import { configReference } from '../../../../../src/config/schema/reference.ts'

interface Schema {
  readonly $ref?: string
  readonly title?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly $defs?: Readonly<Record<string, Schema>>
}

interface Visit {
  readonly path: readonly string[]
  readonly schema: Schema
}

const root: Schema = configJsonSchema()

/** Every schema there is, with its path; `*` for any name or index. */
function* visits(schema: Schema, path: readonly string[] = []): Generator<Visit> {
  const name = schema.$ref?.replace('#/$defs/', '')
  const found = name === undefined ? schema : root.$defs?.[name]
  assert.ok(found, `${schema.$ref} leads nowhere`)
  yield { path, schema: { ...found, ...schema } }
  for (const option of [...(found.anyOf ?? []), ...(found.oneOf ?? [])]) yield* visits(option, path)
  for (const [key, property] of Object.entries(found.properties ?? {})) yield* visits(property, [...path, key])
  if (found.items) yield* visits(found.items, [...path, '*'])
  if (typeof found.additionalProperties === 'object') yield* visits(found.additionalProperties, [...path, '*'])
}

const all = [...visits(root)]

describe('configJsonSchema', () => {
  it('describes every key', () => {
    const silent = all.filter(({ path, schema }) => path.length > 0 && path.at(-1) !== '*' && !schema.description)
    const described = new Set(all.filter(({ schema }) => schema.description).map(({ path }) => path.join('.')))
    assert.deepEqual(
      silent.map(({ path }) => path.join('.')).filter((path) => !described.has(path)),
      [],
    )
  })

  it('lets no mapping have unknown keys', () => {
    const open = all.filter(({ schema }) => schema.properties && schema.additionalProperties !== false)
    assert.deepEqual(
      open.map(({ path }) => path.join('.')),
      [],
    )
  })

  it('is the same each time', () => {
    assert.deepEqual(configJsonSchema(), root)
  })
})

describe('places', () => {
  it('have every file of the schema, so that none stays relative', () => {
    const files = all.filter(({ schema }) => schema.title === 'file').map(({ path }) => path)
    assert.ok(files.length > 15)
    for (const path of files) assert.ok(isFilePlace(path, 'relative'), path.join('.'))
  })

  it('have every secret of the schema', () => {
    const secrets = all.filter(({ schema }) => schema.title === 'secret').map(({ path }) => path)
    assert.ok(secrets.length >= 5)
    for (const path of secrets) assert.ok(isSecretPlace(path), path.join('.'))
  })

  it('take the module of a strategy for a file only where it begins like one', () => {
    const path = ['authenticators', 'plugin', 'module']
    assert.deepEqual(
      ['./a.mjs', '../a.mjs', '/a.mjs', 'passport-x', '@scope/x'].map((text) => isFilePlace(path, text)),
      [true, true, true, false, false],
    )
  })
})

describe('fixtures/config/valid/everything.yaml', () => {
  it('has every key there is', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../../../fixtures/config/valid/everything.yaml'), 'utf8')
    const used = new Set<string>()
    const collect = (value: unknown, path: string) => {
      if (value === null || typeof value !== 'object') return
      for (const [key, entry] of Object.entries(value)) {
        for (const at of [`${path}.${key}`, `${path}.*`]) {
          used.add(at)
          collect(entry, at)
        }
      }
    }
    collect(parse(text), '')
    const missing = all
      .map(({ path }) => path.map((key) => `.${key}`).join(''))
      .filter((path) => path !== '' && !used.has(path))
    // One of several carriers of a secret is as good as another; single entries stand for lists.
    const isCarrier = (path: string) =>
      (path.startsWith('.listen.') && !path.startsWith('.listen.*')) ||
      /\.(?:env|file|encrypted|glob|matches|all)$/.test(path) ||
      path.endsWith('.*')
    assert.deepEqual(
      missing.filter((path) => !isCarrier(path)),
      [],
    )
  })
})

describe('configReference', () => {
  it('has a row for every key', () => {
    const text = configReference()
    const explained = ['*', 'env', 'file', 'encrypted', 'glob', 'matches']
    for (const { path } of all) {
      const key = path.at(-1)
      if (key !== undefined && !explained.includes(key))
        assert.match(text, new RegExp(`\`(?:[\\w.]+\\.)?${key}(?:: [\\w]+)?\``), path.join('.'))
    }
  })

  it('is Markdown whose tables are whole', () => {
    for (const line of configReference()
      .split('\n')
      .filter((text) => text.startsWith('|'))) {
      assert.equal(line.replaceAll('\\|', '').split('|').length, 7, line)
    }
  })
})
