/** How each test of a suite went, from the reports that test runners write. */
import { existsSync, readFileSync } from 'node:fs'

/** How a test went, and what it said where it failed. */
export interface Outcome {
  readonly how: 'pass' | 'fail' | 'skip'
  readonly said: string
}

/** By the test's name. */
export type Outcomes = ReadonlyMap<string, Outcome>

/** So much of what a failing test said. */
const SAID_LENGTH = 600

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

/** JUnit's XML, as mocha, pytest, phpunit and node:test write it. */
export function fromJUnit(report: string): Outcomes {
  const found = new Map<string, Outcome>()
  const xml = existsSync(report) ? readFileSync(report, 'utf8') : ''
  for (const [, attributes = '', isEmpty, body = ''] of xml.matchAll(
    /<testcase\b((?:[^>"]|"[^"]*")*?)(?:(\/)>|>(.*?)<\/testcase>)/gs,
  )) {
    const name = attribute(attributes, 'name')
    const suite = attribute(attributes, 'classname')
    const isBad = isEmpty === undefined && /<(?:failure|error)\b/.test(body)
    const how = isBad ? 'fail' : /<skipped\b/.test(body) ? 'skip' : 'pass'
    found.set(suite === '' || suite === 'test' ? name : `${suite}: ${name}`, { how, said: isBad ? plain(body) : '' })
  }
  return found
}

/** What `go test -json` prints. A test says at its end why it failed. */
export function fromGoTest(_report: string, output: string): Outcomes {
  const found = new Map<string, Outcome>()
  const said = new Map<string, string>()
  for (const line of output.split('\n')) {
    if (!line.startsWith('{')) continue
    const { Action: action, Test: test = '', Output: text = '' } = JSON.parse(line) as Record<string, string>
    if (test === '') continue
    if (action === 'output') said.set(test, (said.get(test) ?? '') + text)
    if (action === 'pass' || action === 'fail' || action === 'skip')
      found.set(test, { how: action, said: action === 'fail' ? (said.get(test) ?? '').slice(-SAID_LENGTH) : '' })
  }
  return found
}

function attribute(attributes: string, name: string): string {
  return plain(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '')
}

function plain(xml: string): string {
  return xml
    .replace(/<!\[CDATA\[(.*?)\]\]>/gs, '$1')
    .replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole)
    .replace(/&#(?:x([0-9A-Fa-f]+)|(\d+));/g, (_, hex?: string, dec?: string) =>
      String.fromCodePoint(hex === undefined ? Number(dec) : Number.parseInt(hex, 16)),
    )
}
