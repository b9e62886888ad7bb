/** Where two configurations differ, as places that an operator recognises: `services[0].permissions`, `brokers.main.urls`. */
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../schema/schema.ts'

/** Keys below which a change is told one or two levels deeper: the name or index, and the key in it. */
const DEEPER: ReadonlySet<string> = new Set(['services', 'brokers', 'authenticators', 'listen'])

/** In the order of the new configuration; what is gone comes last. Secrets are compared, too; only places are told. */
export function changesBetween(before: Config, after: Config): string[] {
  return differences(before, after, '', (key) => (DEEPER.has(key) ? inEntries : undefined))
}

type Deeper = (before: object, after: object, place: string) => string[]

function inEntries(before: object, after: object, place: string): string[] {
  return differences(before, after, place, () => (one, other, below) => differences(one, other, below, () => undefined))
}

function differences(
  before: object,
  after: object,
  place: string,
  deeperOf: (key: string) => Deeper | undefined,
): string[] {
  const [old, next] = [
    new Map<string, unknown>(Object.entries(before)),
    new Map<string, unknown>(Object.entries(after)),
  ]
  const keys = [...new Set([...next.keys(), ...old.keys()])]
  return keys.flatMap((key) => {
    const [one, other] = [old.get(key), next.get(key)]
    if (isDeepStrictEqual(one, other)) return []
    const at = placeOf(place, key, Array.isArray(after))
    const deeper = deeperOf(key)
    const areObjects = typeof one === 'object' && typeof other === 'object' && one !== null && other !== null
    return deeper !== undefined && areObjects ? deeper(one, other, at) : [at]
  })
}

function placeOf(above: string, key: string, isIndex: boolean): string {
  if (isIndex) return `${above}[${key}]`
  return above === '' ? key : `${above}.${key}`
}
