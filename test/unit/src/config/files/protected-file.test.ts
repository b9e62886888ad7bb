/** Files that others must not be able to change, nor the way to them; and text that Windows wrote. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { textProblem, withoutMark } from '../../../../../src/config/files/file-text.ts'
import { protectedBytes, protectedText, readProtected } from '../../../../../src/config/files/protected-file.ts'
import { parseConfig } from '../../../../../src/config/reading/load.ts'
import { ConfigError } from '../../../../../src/config/reading/problems.ts'
import type { ConfigInput } from '../../../../../src/config/schema/schema.ts'
import { minimalConfig } from '../../../../support/config-files.ts'

const base = mkdtempSync(join(tmpdir(), 'gatehouse-protected-'))
after(() => rmSync(base, { recursive: true, force: true }))

let count = 0
let folder: string
beforeEach(() => {
  folder = join(base, String(++count))
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  writeFileSync(join(folder, 'a/b/secret'), 'welcome', { mode: 0o600 })
})

const inFolder = (path: string): string => join(folder, path)

/** What both ways of reading say, which is the same. */
async function problemOf(path: string): Promise<string | undefined> {
  const read = protectedBytes(path)
  const early = 'problem' in read ? read.problem : undefined
  const late = await readProtected(path).then(
    () => undefined,
    (error: Error) => error.message.slice(path.length + 2),
  )
  assert.equal(late, early)
  return early
}

describe('a named pipe in the place of a file', () => {
  it('is refused, and nobody waits for its writer', async () => {
    const pipe = inFolder('a/b/pipe')
    execFileSync('mkfifo', ['-m', '600', pipe])
    assert.equal(await problemOf(pipe), 'expected a file; this is something else')
  })
})

describe('the way to a file', () => {
  it('E5 is good where only its owner may write', async () => {
    assert.equal(await problemOf(inFolder('a/b/secret')), undefined)
  })

  for (const open of ['a/b', 'a', '']) {
    it(`E5 is refused where everybody may write to ${open || 'the topmost folder'}`, async () => {
      chmodSync(inFolder(open), 0o777)
      assert.match(
        (await problemOf(inFolder('a/b/secret'))) ?? '',
        new RegExp(`everybody .* the folder ${inFolder(open).replace(/\/$/, '')} `),
      )
      chmodSync(inFolder(open), 0o775)
      assert.equal(await problemOf(inFolder('a/b/secret')), undefined)
    })
  }

  it('E5 is good through a sticky folder, unless somebody else made what lies on it', async () => {
    chmodSync(inFolder('a'), 0o1777)
    assert.equal(await problemOf(inFolder('a/b/secret')), undefined)
    if (process.geteuid?.() !== 0) return
    chownSync(inFolder('a/b'), 65_534, 65_534)
    assert.match((await problemOf(inFolder('a/b/secret'))) ?? '', /another user owns/)
  })

  it('E5 is judged along links, where the link lies and where it leads', async () => {
    mkdirSync(inFolder('open'))
    chmodSync(inFolder('open'), 0o777)
    symlinkSync(inFolder('a/b/secret'), inFolder('open/link'))
    assert.match((await problemOf(inFolder('open/link'))) ?? '', /folder .*\/open /)

    renameSync(inFolder('a/b/secret'), inFolder('open/secret'))
    symlinkSync('../../open/secret', inFolder('a/b/secret'))
    assert.match((await problemOf(inFolder('a/b/secret'))) ?? '', /folder .*\/open /)

    unlinkSync(inFolder('a/b/secret'))
    symlinkSync(inFolder('open'), inFolder('a/b/there'))
    assert.match((await problemOf(inFolder('a/b/there/secret'))) ?? '', /folder .*\/open /)
    chmodSync(inFolder('open'), 0o755)
    assert.equal(await problemOf(inFolder('a/b/there/secret')), undefined)
  })

  it('E5 is good as Kubernetes mounts it: a sticky folder, a link to a folder, a link to the file', async () => {
    mkdirSync(inFolder('mount/..2026'), { recursive: true })
    writeFileSync(inFolder('mount/..2026/password'), 'welcome', { mode: 0o440 })
    symlinkSync('..2026', inFolder('mount/..data'))
    symlinkSync('..data/password', inFolder('mount/password'))
    chmodSync(inFolder('mount'), 0o1777)
    assert.equal(await problemOf(inFolder('mount/password')), undefined)
    chmodSync(inFolder('mount/..2026'), 0o777)
    assert.match((await problemOf(inFolder('mount/password'))) ?? '', /2026 /)
  })

  it('goes up where a link does, not where the text does', async () => {
    mkdirSync(inFolder('far/away'), { recursive: true })
    writeFileSync(inFolder('far/secret'), 'welcome', { mode: 0o600 })
    symlinkSync(inFolder('far/away'), inFolder('a/b/away'))
    symlinkSync('b/away/../secret', inFolder('a/up'))
    assert.equal(await problemOf(inFolder('a/up')), undefined)
    chmodSync(inFolder('far'), 0o777)
    assert.match((await problemOf(inFolder('a/up'))) ?? '', /\/far /)
  })
})

describe('text in a file', () => {
  const MARK = '\ufeff'
  const utf16 = Buffer.from(`${MARK}welcome\r\n`, 'utf16le')
  const swapped = Buffer.from(utf16).swap16()

  const write = (content: string | Buffer): string => {
    const file = inFolder('text')
    writeFileSync(file, content, { mode: 0o600 })
    return file
  }

  it('loses a byte order mark, one and at its beginning only', async () => {
    for (const [content, left] of [
      [`${MARK}welcome`, 'welcome'],
      [`${MARK}${MARK}welcome`, `${MARK}welcome`],
      [`wel${MARK}come`, `wel${MARK}come`],
      [MARK, ''],
      ['', ''],
      ['\xef', '\xef'],
    ] as const) {
      const file = write(content)
      assert.equal((await readProtected(file)).toString(), left)
      const read = protectedText(file, 100)
      assert.equal('text' in read && read.text, left)
    }
  })

  it('is refused in UTF-16, with and without a mark, and with NUL in it', async () => {
    for (const content of [utf16, swapped, utf16.subarray(2), swapped.subarray(2), 'a\0b']) {
      const file = write(content)
      await assert.rejects(readProtected(file), /expected text in UTF-8: this (?:is UTF-16|has NUL in it)/)
      const read = protectedText(file, 100)
      assert.match('problem' in read ? read.problem : '', /expected text in UTF-8/)
    }
  })

  it('is looked at, not copied', () => {
    const bytes = Buffer.from(`${MARK}x`)
    assert.equal(withoutMark(bytes).buffer, bytes.buffer)
    assert.equal(textProblem(bytes), undefined)
  })
})

describe('files that a configuration names as text', () => {
  it('are a mistake at check in UTF-16, each with its place', () => {
    const file = inFolder('utf16')
    writeFileSync(file, Buffer.from('\ufeffwelcome', 'utf16le'), { mode: 0o600 })
    const config = {
      ...minimalConfig(),
      secretKeys: [{ file }],
      authenticators: {
        sso: { type: 'jwt', issuer: 'https://idp.example.com', audience: 'a', algorithms: 'RS256', jwksFile: file },
        staff: { type: 'basic', users: file },
      },
      brokers: {
        main: { urls: ['amqp://127.0.0.1'], credentials: { webuser: { username: 'u', password: { file } } } },
      },
    } as const
    assert.throws(
      () => parseConfig(config as unknown as ConfigInput),
      (error) => {
        assert.ok(error instanceof ConfigError)
        const places = error.problems.filter(({ message }) => message.includes('UTF-16')).map(({ path }) => path)
        assert.deepEqual(places.sort(), [
          'authenticators.sso.jwksFile',
          'authenticators.staff.users',
          'brokers.main.credentials.webuser.password',
          'secretKeys[0]',
        ])
        return true
      },
    )
  })
})
