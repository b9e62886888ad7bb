/**
 * The configuration's reference as Markdown, made from the schema: every key with what it takes, its default and what
 * it means. The page around it is docs/configuration.md.
 */
import { appliesTo } from './applies.ts'
import { configJsonSchema, doorJsonSchema } from './json-schema.ts'

type Scalar = string | number | boolean

/** The parts of a JSON Schema that are read here. */
interface Schema {
  readonly $ref?: string
  readonly title?: string
  readonly description?: string
  readonly default?: Scalar | readonly Scalar[] | Readonly<Record<string, never>>
  readonly type?: string
  readonly const?: Scalar
  readonly enum?: readonly Scalar[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: Schema | false
  /** Of a key that may not be there. */
  readonly not?: object
  readonly minimum?: number
  readonly maximum?: number
}

/** Paths that have a table of their own; `NAME` is any name, `[]` an entry of a list. */
const TABLES: readonly string[] = [
  '',
  'listen',
  'brokers.NAME',
  'brokers.NAME.credentials.NAME',
  'authenticators.NAME',
  'services[]',
  'services[].promote[]',
  'services[].permissions[]',
  'services[].stamp',
  'services[].limits',
]

/** Tables of all keys, under headings of the third level. */
export function configReference(): string {
  const root: Schema = configJsonSchema()
  return TABLES.map((path) => {
    const heading = path === '' ? 'The whole file' : `\`${path}\``
    return [`### ${heading}`, ...tables(at(root, root, path), path, root)].join('\n\n')
  }).join('\n\n')
}

/** One table of all keys of a door's configuration. */
export function doorReference(): string {
  const root: Schema = doorJsonSchema()
  const lines = rows(root, '', 'door', root).map(([key, takes, byDefault, , meaning]) => [
    key,
    takes,
    byDefault,
    meaning,
  ])
  return markdown(['key', 'takes', 'default', ''], lines)
}

/** One table for a mapping, or one for each shape it may have. */
function tables(schema: Schema, path: string, root: Schema): string[] {
  const shapes = mappings(schema, root)
  if (shapes.length === 1) return shapes.map((shape) => table(rows(shape, '', path, root)))
  return shapes.flatMap((shape) => [`**${shapeName(shape)}**${about(shape)}`, table(rows(shape, '', path, root))])
}

/** `type: jwt`, `mechanism: EXTERNAL`, else the keys that must be there. */
function shapeName({ properties = {}, required = [] }: Schema): string {
  const tag = Object.entries(properties).find(([, { const: value }]) => value !== undefined)
  if (tag) return `\`${tag[0]}: ${String(tag[1].const)}\``
  if (required.length === 0) return `\`${namesOf(properties).slice(0, 2).join('`, `')}\``
  return required.map((key) => `\`${key}\``).join(', ')
}

function namesOf(properties: NonNullable<Schema['properties']>): string[] {
  return Object.keys(properties).filter((key) => properties[key]?.not === undefined)
}

function about({ properties = {} }: Schema): string {
  const tag = Object.values(properties).find(({ const: value }) => value !== undefined)
  return tag?.description === undefined ? '' : `: ${tag.description}`
}

type Row = readonly [key: string, takes: string, byDefault: string, applies: string, meaning: string]

function rows(shape: Schema, prefix: string, path: string, root: Schema): Row[] {
  return Object.entries(shape.properties ?? {}).flatMap(([key, given]): Row[] => {
    if (given.const !== undefined || given.not !== undefined) return []
    const name = `${prefix}${key}`
    const here = path === '' ? key : `${path}.${key}`
    const schema = { ...resolved(given, root), ...given }
    const isRequired = shape.required?.includes(key) === true && given.default === undefined
    const row: Row = [
      `\`${name}\``,
      takes(schema, root),
      isRequired ? 'required' : byDefault(given),
      appliesTo(here) ?? '',
      given.description ?? '',
    ]
    const own = TABLES.find((table) => table.startsWith(here) && /^(?:\[\]|\.NAME)?$/.test(table.slice(here.length)))
    if (own !== undefined) return [[row[0], row[1], row[2], '', `${row[4]} See \`${own}\`.`]]
    if (schema.title !== undefined) return [row]
    const inside = (shapes: readonly Schema[], step: string) =>
      // Where there are several shapes, what one of them needs is not needed.
      shapes.flatMap((child) => rows(shapes.length === 1 ? child : optional(child), `${name}${step}.`, here, root))
    return [row, ...inside(mappings(schema, root), ''), ...inside(named(schema, root), '.NAME')]
  })
}

/** The mappings that stand below any name. */
function named(given: Schema, root: Schema): Schema[] {
  const schema = resolved(given, root)
  const options = schema.anyOf ?? schema.oneOf ?? []
  const below = schema.additionalProperties ? resolved(schema.additionalProperties, root) : {}
  const own = below.title === undefined ? mappings(below, root) : []
  return [...own, ...options.flatMap((option) => named(option, root))]
}

/** The mappings that a value may be, alone or in a list. */
function mappings(given: Schema, root: Schema): Schema[] {
  const schema = resolved(given, root)
  const options = schema.anyOf ?? schema.oneOf
  if (options)
    return [
      ...new Map(
        options.flatMap((option) => mappings(option, root)).map((shape) => [JSON.stringify(shape), shape]),
      ).values(),
    ]
  if (schema.items) return mappings(schema.items, root)
  return schema.properties ? [schema] : []
}

function optional(schema: Schema): Schema {
  return { ...schema, required: [] }
}

function resolved(schema: Schema, root: Schema): Schema {
  const name = schema.$ref?.replace('#/$defs/', '')
  const definitions = (root as { readonly $defs?: Readonly<Record<string, Schema>> }).$defs
  return (name === undefined ? undefined : definitions?.[name]) ?? schema
}

/** What is at a path of `TABLES`. */
function at(given: Schema, root: Schema, path: string): Schema {
  const [step, ...rest] = path.split(/\.|(?=\[\])/).filter((part) => part !== '')
  if (step === undefined) return given
  const schema = resolved(given, root)
  const [mapping] = mappings(schema, root)
  const next =
    step === '[]' ? schema.items : step === 'NAME' ? schema.additionalProperties : mapping?.properties?.[step]
  if (!next) throw new Error(`no ${step} in the schema`)
  return at(next, root, rest.join('.'))
}

/** What a value may be, in words. */
function takes(given: Schema, root: Schema): string {
  const schema = { ...resolved(given, root), ...given }
  const options = schema.anyOf ?? schema.oneOf
  if (schema.title !== undefined) return schema.title
  if (schema.const !== undefined) return schema.const === '' ? '`""`' : `\`${String(schema.const)}\``
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (options) {
    const words = [...new Set(options.map((option) => takes(option, root)))]
    const [one, many] = words
    return words.length === 2 && many === `list of ${one}` ? `${one}, or a list` : words.join(', or ')
  }
  if (schema.type === 'array') return `list of ${schema.items ? takes(schema.items, root) : 'anything'}`
  if (schema.type === 'integer' || schema.type === 'number') return range(schema)
  if (schema.type === 'boolean') return '`true`, `false`'
  if (schema.type === 'string') return 'text'
  return schema.type === 'object' ? 'mapping' : 'anything'
}

function range({ minimum, maximum }: Schema): string {
  return minimum === undefined || maximum === undefined ? 'number' : `${minimum} to ${maximum}`
}

function byDefault({ default: value }: Schema): string {
  if (value === undefined) return ''
  if (isList(value)) return value.map((entry) => `\`${entry}\``).join(', ')
  return typeof value === 'object' ? '' : `\`${value}\``
}

function isList(value: Schema['default']): value is readonly Scalar[] {
  return Array.isArray(value)
}

function table(entries: readonly Row[]): string {
  return markdown(['key', 'takes', 'default', 'applies to', ''], entries)
}

function markdown(head: readonly string[], entries: readonly (readonly string[])[]): string {
  const lines = entries.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').trim()).join(' | ')} |`)
  const title = head.map((cell) => (cell === '' ? ' |' : ` ${cell} |`)).join('')
  return [`|${title}`, `|${' --- |'.repeat(head.length)}`, ...lines].join('\n')
}
