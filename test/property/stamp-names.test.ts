/**
 * A stamped header is the only one of its name, whatever a client sends beside it: for every spelling that some language,
 * locale or parser takes for the same name, one by one and mixed.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Table } from '../../proxy/codec/table.ts'
import { stampFilter } from '../../proxy/filters/stamp/stamp.ts'
import { AuditLog, FilterSession, text } from '../support/filter-session.ts'

const STAMPED = 'x-Trading-id'
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz0123456789-']

/** How consumers may bring names to one form before they compare them. */
const READERS: Readonly<Record<string, (name: string) => string>> = {
  'lower case': (name) => name.toLowerCase(),
  'upper case': (name) => name.toUpperCase(),
  'lower case of upper case': (name) => name.toUpperCase().toLowerCase(),
  'upper case of lower case': (name) => name.toLowerCase().toUpperCase(),
  'Turkish lower case': (name) => name.toLocaleLowerCase('tr'),
  'Turkish upper case': (name) => name.toLocaleUpperCase('tr'),
  'one Turkish, one not': (name) => name.toLocaleUpperCase('tr').toLowerCase(),
  'Lithuanian lower case': (name) => name.toLocaleLowerCase('lt'),
  'NFKC and lower case': (name) => name.normalize('NFKC').toLowerCase(),
  'NFKC, both cases, again': (name) => name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC'),
  'without accents': (name) =>
    name
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '')
      .toLowerCase(),
  trimmed: (name) => name.trim().toLowerCase(),
  'up to NUL': (name) => name.split('\0', 1)[0]?.toLowerCase() ?? '',
  'without controls': (name) => name.replace(/[\p{Cc}\p{Cf}]/gu, '').toLowerCase(),
}

/** What is left of these names beside the stamps of the gateway. */
function leftOf(names: readonly string[]): string[] {
  const stamps = { headers: [[STAMPED, 'joe.smith']] as const }
  const headers: Table = names.map((key) => ({ key, ...text('forged') }))
  const outcome = new FilterSession([stampFilter(stamps, new AuditLog())]).publish('x', 'k', { headers })
  if (outcome.kind !== 'forwarded' || outcome.rewritten === undefined) assert.fail('was not stamped')
  const table = outcome.rewritten.property('headers') ?? []
  assert.deepEqual(table.at(-1), { key: STAMPED, type: 'S', value: Buffer.from('joe.smith') })
  return table.slice(0, -1).map(({ key }) => key)
}

/** Every character that some reader takes for this letter. */
const spellings = new Map<string, string[]>(LETTERS.map((letter) => [letter, []]))
for (const reader of Object.values(READERS)) {
  const letterOf = new Map<string, string[]>()
  for (const letter of LETTERS) {
    for (const form of [letter, letter.toUpperCase()].map(reader))
      letterOf.set(form, [...(letterOf.get(form) ?? []), letter])
  }
  for (let code = 0; code <= 0x2ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const character = String.fromCodePoint(code)
    for (const letter of letterOf.get(reader(character)) ?? []) spellings.get(letter)?.push(character)
  }
}

/** Between letters, before and behind: readers drop some of these, or show nothing. */
const NOTHINGS = [
  ...'\t\n\r\u001f \u007f\u0085\u00a0\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u202e\u2028',
]
const MORE_NOTHINGS = [...'\u2060\u3000\ufe0f\ufeff\u0307\u0301', '\u{e0020}', '\u{e0100}']

const spelled = fc
  .tuple(
    ...[...STAMPED.toLowerCase()].map((letter) =>
      fc.tuple(
        fc.constantFrom(...(spellings.get(letter) ?? [])),
        fc.array(fc.constantFrom(...NOTHINGS, ...MORE_NOTHINGS), { maxLength: 1 }),
      ),
    ),
  )
  .map((letters) => letters.map(([letter, nothings]) => letter + nothings.join('')).join(''))
  .filter((name) => Buffer.byteLength(name) <= 255)

describe('stamped names', () => {
  it('B21 have spellings in more than one alphabet, or these tests say nothing', () => {
    assert.ok((spellings.get('i') ?? []).includes('ı'))
    assert.ok((spellings.get('i') ?? []).includes('İ'))
    assert.ok((spellings.get('s') ?? []).includes('ſ'))
    assert.ok((spellings.get('k') ?? []).includes('\u212a'))
    assert.ok((spellings.get('x') ?? []).length > 10)
  })

  it('B21 are the only ones left, for each spelling of each letter', () => {
    for (const [at, letter] of [...STAMPED.toLowerCase()].entries()) {
      const names = (spellings.get(letter) ?? []).map((other) => STAMPED.slice(0, at) + other + STAMPED.slice(at + 1))
      assert.deepEqual(leftOf(names), [], letter)
    }
  })

  it('B21 are the only ones left, for any mixture of spellings with nothings between', () => {
    fc.assert(
      fc.property(spelled, fc.constantFrom('', '\0', '\0admin', ' \0x', '\u00a0'), (name, behind) => {
        const [forged] = [name + behind].filter((whole) => Buffer.byteLength(whole) <= 255)
        assert.deepEqual(leftOf([forged ?? name]), [])
      }),
      { numRuns: 2_000 },
    )
  })

  it('B21 are the only ones left, whatever a reader does to a name', () => {
    const part = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...STAMPED) },
      { weight: 1, arbitrary: fc.constantFrom('\0', ...NOTHINGS, ...MORE_NOTHINGS, 'ı', 'İ', 'ＩＤ', 'ǆ') },
    )
    const near = fc.oneof(
      fc.array(part, { maxLength: 14 }).map((parts) => parts.join('')),
      spelled,
    )
    fc.assert(
      fc.property(near, (name) => {
        const isTaken = Object.values(READERS).some((reader) => reader(name) === reader(STAMPED))
        if (isTaken && name !== '') assert.deepEqual(leftOf([name]), [])
      }),
      { numRuns: 2_000 },
    )
  })

  it('B21 leave names alone that no reader takes for them', () => {
    const others = [
      'x-trading-id2',
      'x-trading',
      'xx-trading-id',
      'y-trading-id',
      'x.trading-id',
      'trading-id',
      'größe',
      '名前',
    ]
    assert.deepEqual(leftOf(others), others)
  })
})
