/** Every kind of mistake prints the text that stands beside its configuration, and nothing else; good ones are taken. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadConfig, parseConfig } from '../../../../src/config/reading/load.ts'
import { ConfigError, formatProblems } from '../../../../src/config/reading/problems.ts'
import { configFiles, FIXTURE_ENV } from '../../../support/config-files.ts'

const folder = configFiles()
const named = (kind: string, ending: string) => readdirSync(join(folder, kind)).filter((name) => name.endsWith(ending))
/** Texts do not depend on where the repository is. */
const withoutFolder = (text: string) => text.replaceAll(join(folder, 'invalid/'), '').replaceAll(folder, '…')

describe('loadConfig', () => {
  const invalid = named('invalid', '.yaml')

  it('has a text for every configuration that it refuses, and for at least 40 kinds', () => {
    const texts = named('invalid', '.txt').map((name) => name.replace('.txt', '.yaml'))
    assert.deepEqual(texts, invalid)
    assert.ok(invalid.length >= 40)
  })

  for (const name of invalid) {
    it(`refuses ${name} with its text`, () => {
      const file = join(folder, 'invalid', name)
      const expected = readFileSync(file.replace('.yaml', '.txt'), 'utf8').trimEnd()

      assert.throws(
        () => loadConfig(file, FIXTURE_ENV),
        (error) => {
          assert.ok(error instanceof ConfigError)
          assert.equal(withoutFolder(error.message), expected)
          assert.equal(error.exitCode, 78)
          return true
        },
      )
    })
  }

  for (const name of ['minimal.yaml', 'mapped-and-consolidated.yaml']) {
    it(`accepts ${name} without a warning`, () => {
      assert.deepEqual(loadConfig(join(folder, 'valid', name), FIXTURE_ENV).warnings, [])
    })
  }

  it('warns of what is seldom meant', () => {
    const file = join(folder, 'valid/warnings.yaml')
    const { warnings } = loadConfig(file, FIXTURE_ENV)
    const expected = readFileSync(join(folder, 'valid/warnings.txt'), 'utf8').trimEnd()
    assert.equal(formatProblems(warnings).replaceAll(join(folder, 'valid/'), ''), expected)
  })
})

describe('parseConfig', () => {
  it('accepts everything there is', () => {
    const file = join(folder, 'valid/everything.yaml')
    const { config } = parseConfig(readFileSync(file, 'utf8'), { file, env: FIXTURE_ENV, files: false })
    assert.equal(config.services.length, 2)
  })
})
