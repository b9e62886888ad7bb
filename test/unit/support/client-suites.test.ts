/** How the runs of clients' own suites are read and compared, without the suites. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { compare, eitherPassed, unexplained } from '../../clients/compare.ts'
import { DIFFERENCES } from '../../clients/differences.ts'
import { FIGURES } from '../../clients/figures.ts'
import { findSuite } from '../../clients/find-suite.ts'
import { fromGoTest, fromJUnit, type Outcome, type Outcomes } from '../../clients/outcomes.ts'
import { SUITES, type Suite } from '../../clients/suites.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-suites-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const run = (outcomes: Readonly<Record<string, Outcome['how']>>): Outcomes =>
  new Map(Object.entries(outcomes).map(([test, how]) => [test, { how, said: how === 'fail' ? 'because' : '' }]))

describe('reports of suites', () => {
  it('are read as mocha, pytest, phpunit and node:test write them', () => {
    const file = join(folder, 'report.xml')
    writeFileSync(
      file,
      `<testsuites><testcase name="a &lt;b&gt;" classname="test"/><testcase classname="x.Y" name="c"><failure>no&#10;<![CDATA[<1>]]></failure></testcase>
      <testcase name="d" time="1"><skipped/></testcase><testcase name="e"><system-out>failure</system-out></testcase></testsuites>`,
    )
    const found = fromJUnit(file)
    assert.deepEqual(
      [...found].map(([test, { how }]) => [test, how]),
      [
        ['a <b>', 'pass'],
        ['x.Y: c', 'fail'],
        ['d', 'skip'],
        ['e', 'pass'],
      ],
    )
    assert.match(found.get('x.Y: c')?.said ?? '', /no\n<1>/)
    assert.equal(fromJUnit(join(folder, 'none.xml')).size, 0)
  })

  it('are read as go writes them, with the end of what a failing test said', () => {
    const lines = [
      { Action: 'output', Test: 'TestA', Output: `${'x'.repeat(2000)}the end` },
      { Action: 'fail', Test: 'TestA' },
      { Action: 'pass', Test: 'TestB' },
      { Action: 'pass' },
    ]
    const found = fromGoTest('', ['# a build line', ...lines.map((line) => JSON.stringify(line))].join('\n'))
    assert.deepEqual(
      [...found].map(([test, { how }]) => [test, how]),
      [
        ['TestA', 'fail'],
        ['TestB', 'pass'],
      ],
    )
    assert.match(found.get('TestA')?.said ?? '', /^x+the end$/)
  })
})

describe('the comparison of two runs', () => {
  const straight = run({ a: 'pass', b: 'pass', c: 'fail', d: 'skip', e: 'pass', TestConcurrentClose: 'pass' })

  it('names what fails through the gateway only, or does not end', () => {
    const through = run({ a: 'pass', b: 'fail', c: 'fail', d: 'skip', TestConcurrentClose: 'fail' })
    assert.deepEqual(unexplained('amqp091-go', straight, through), ['b', 'e'])
    assert.deepEqual(unexplained('amqplib', straight, through), ['b', 'e', 'TestConcurrentClose'])
    const { lines, mistakes } = compare('amqp091-go', '0', straight, through)
    assert.equal(mistakes, 2)
    assert.match(
      lines.join('\n'),
      /fails straight: c\n.*UNEXPLAINED: b\n {4}because\n.*UNEXPLAINED: e\n {4}it did not end/s,
    )
    assert.match(lines.join('\n'), /intended: TestConcurrentClose: /)
  })

  it('takes what passes in either of two runs', () => {
    const both = eitherPassed(run({ a: 'pass', b: 'fail', e: 'fail' }), run({ a: 'fail', b: 'pass', e: 'fail' }))
    assert.deepEqual(
      [...both].map(([test, { how }]) => [test, how]),
      [
        ['a', 'pass'],
        ['b', 'pass'],
        ['e', 'fail'],
      ],
    )
  })

  it('says where a difference is gone, and where figures are others', () => {
    const known = DIFFERENCES.find(({ isRace }) => !isRace)
    assert.ok(known)
    const version = FIGURES.find(({ client }) => client === known.client)?.version ?? ''
    const one = run({ [known.test]: 'pass' })
    const { lines, mistakes } = compare(known.client, version, one, one)
    assert.equal(mistakes, 1)
    assert.match(lines.join('\n'), /differs no more: .*\n {2}OTHER FIGURES: /s)
  })
})

describe('the tables of suites', () => {
  it('speak of the same clients', () => {
    const names = SUITES.map(({ name }) => name)
    assert.deepEqual(
      FIGURES.map(({ client }) => client),
      names,
    )
    for (const { client } of DIFFERENCES) assert.ok(names.includes(client), client)
    for (const { tests, straight, client } of FIGURES) assert.ok(straight <= tests, client)
  })

  it('say what to do where a suite is missing', async () => {
    const suite = SUITES.find(({ name }) => name === 'php-amqplib')
    assert.ok(suite)
    const bare: Suite = { ...suite, packages: {} }
    const remedy = /git clone --depth 1 --branch v3\.7\.3 .* DIR`, then give --suite php-amqplib=DIR/
    await assert.rejects(
      findSuite(bare, undefined, () => undefined),
      remedy,
    )
    await assert.rejects(
      findSuite(bare, folder, () => undefined),
      remedy,
    )
  })
})
