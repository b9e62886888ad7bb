/** Configurations in the documentation are ones that would be served: whoever copies them gets no surprise. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { parseConfig, parseDoor, parseUsers } from '../../../../src/config/reading/load.ts'

const root = join(import.meta.dirname, '../../../..')
const HASH = '$scrypt$ln=15,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'

/** A block below a comment such as `<!-- file: gatehouse.yaml -->`. */
interface Example {
  readonly page: string
  readonly line: number
  readonly name: string
  readonly text: string
}

function examples(page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^<!-- file: (\S+\.yaml) -->\n```yaml\n(.*?)^```$/gms)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length,
    name: basename(match[1] ?? ''),
    text: match[2] ?? '',
  }))
}

const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.md'),
)
const all = ['README.md', ...docs.map((name) => join('docs', name))].flatMap(examples)

describe('configurations in the documentation', () => {
  it('are there', () => {
    assert.ok(all.some(({ page }) => page === 'README.md'))
    assert.ok(all.some(({ page }) => page === join('docs', 'configuration.md')))
  })

  for (const { page, line, name, text } of all) {
    const place = `${page}:${line}: ${name}`
    const env = new Proxy<Record<string, string>>(
      {},
      { get: (_, key) => (String(key).includes('PORT') ? '8080' : 'value') },
    )
    it(`${place} is accepted`, () => {
      if (name.includes('users')) parseUsers(text.replaceAll(/"HASH"/g, JSON.stringify(HASH)), place)
      else if (name === 'door.yaml') parseDoor(text, { file: place, env, files: false })
      else parseConfig(text, { file: place, env, files: false })
    })
  }
})
