/**
 * What holds for the repository as a whole, and what no linter looks at: pages that are in step with package.json and
 * with each other, files of a readable size, nothing that names one person's machine. Reads what git tracks, or, in a
 * copy without git, every file outside build folders.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, it } from 'node:test'
import { fillRegions } from '../../scripts/generated-regions.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const isText = (path: string): boolean => !/\.(png|ico|woff2?|gz|bin|hex|der|p12)$/.test(path)

const files = trackedFiles()
const sources = files.filter((path) => /\.(ts|js|cjs|mjs)$/.test(path))
const pages = files.filter((path) => path.endsWith('.md'))

function trackedFiles(): string[] {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (listed.status === 0)
    return listed.stdout.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !/(^|\/)(node_modules|dist|coverage|\.git)(\/|$)/.test(path) && statSync(join(root, path)).isFile(),
  )
}

/** Places where a pattern stands, as `path:line: text`. */
function places(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  )
}

describe('README.md', () => {
  it('is read in one go: at most 200 lines', () => {
    assert.ok(read('README.md').split('\n').length <= 200)
  })

  it('names only npm scripts that exist', () => {
    const scripts = Object.keys(packageJson().scripts)
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run ([a-z][a-z0-9:-]*)/g)].map((match) => match[1]),
    )

    assert.deepEqual(
      named.filter((name) => name !== undefined && !scripts.includes(name)),
      [],
    )
  })
})

describe('pages', () => {
  it('link only to files and headings that exist', () => {
    const broken = pages.flatMap((page) =>
      linksOf(page)
        .filter((link) => !resolves(page, link))
        .map((link) => `${page} → ${link}`),
    )

    assert.deepEqual(broken, [])
  })
})

/** Relative link targets of a page, code left out. */
function linksOf(page: string): string[] {
  const prose = read(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^(https?|mailto):/.test(link))
}

function resolves(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : normalize(join(dirname(page), path))
  if (!existsSync(join(root, target))) return false
  if (anchor === undefined) return true
  const text = read(target)
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map((match) => headingAnchor(match[1] ?? ''))
  const marked = [...text.matchAll(/<a id="([^"]+)"/g)].map((match) => match[1])
  return [...headings, ...marked].includes(anchor)
}

/** The anchor that a Markdown heading gets: lower case, punctuation dropped, spaces to dashes. */
function headingAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number} _-]/gu, '')
    .replaceAll(' ', '-')
}

interface PackageJson {
  readonly version: string
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly files: readonly string[]
}

function packageJson(): PackageJson {
  return JSON.parse(read('package.json')) as PackageJson
}

describe('docs/dependencies.md', () => {
  it('gives one reason for each direct dependency, and for nothing else', () => {
    const { dependencies, optionalDependencies, peerDependencies, devDependencies } = packageJson()
    const direct = { ...dependencies, ...optionalDependencies, ...peerDependencies, ...devDependencies }

    const explained = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)]

    assert.deepEqual(explained.map((match) => match[1]).sort(), Object.keys(direct).sort())
    assert.ok(explained.every((match) => (match[2] ?? '').trim().length >= 5))
  })
})

describe('files', () => {
  it('give each exported name one meaning', () => {
    const EXPORTED = /^export (?:abstract |async )?(?:class|interface|type|const|function\*?) (\w+)/gm
    const meanings = new Map<string, string[]>()
    // Programs of browsers import nothing of the house: their names are the pages' own.
    const own = sources.filter((path) => /^(proxy|auth|src)\/.*\.ts$/.test(path) && !path.includes('/page/'))
    for (const path of own) {
      for (const [, name = ''] of read(path).matchAll(EXPORTED)) {
        meanings.set(name, [...new Set([...(meanings.get(name) ?? []), path])])
      }
    }
    assert.deepEqual(
      [...meanings].filter(([, paths]) => paths.length > 1),
      [],
    )
  })

  it('are at most 400 lines long', () => {
    const long = sources.filter((path) => read(path).trimEnd().split('\n').length > 400)

    assert.deepEqual(long, [])
  })

  it('name no folder of one machine and no package registry', () => {
    const own = 'test/unit/repository.test.ts'
    const named = places(
      files.filter((path) => isText(path) && path !== own),
      /(^|[^\w.-])\/(work|root|home|Users)\/|\/tmp\/[a-z]+|registry\.(npmmirror|yarnpkg)|npmjs\.(com|org)|deb\.debian\.org|"resolved": "http/,
    )

    assert.deepEqual(named, [])
  })

  it('leave nothing for later and switch no check off', () => {
    const own = 'test/unit/repository.test.ts'
    const left = places(
      sources.filter((path) => path !== own),
      /\b(TODO|FIXME|XXX)\b|@ts-(ignore|nocheck)|(?:es|ox)lint-disable|biome-ignore/,
    )

    assert.deepEqual(left, [])
  })

  it('of the package are all there', () => {
    const missing = packageJson().files.filter((path) => path !== 'dist' && !existsSync(join(root, path)))

    assert.deepEqual(missing, [])
  })
})

describe('.ci/run', () => {
  it('may be executed', () => {
    assert.notEqual(statSync(join(root, '.ci/run')).mode & 0o111, 0)
  })
})

describe('CHANGELOG.md', () => {
  it('has an entry for the version of the package, or an unreleased one', () => {
    const headings = [...read('CHANGELOG.md').matchAll(/^## \[([^\]]+)\]/gm)].map((match) => match[1])

    assert.ok(headings.includes('Unreleased') || headings.includes(packageJson().version))
  })
})

describe('fillRegions', () => {
  const page = (body: string): string => `before\n\n<!-- generated:a -->${body}<!-- /generated:a -->\n\nafter\n`
  const region = { page: 'p.md', name: 'a', render: () => 'new' }

  it('replaces what stands between the markers, and nothing else', async () => {
    const filled = await fillRegions('p.md', page('\nold\n'), [region])

    assert.equal(filled, page('\n\nnew\n\n'))
  })

  it('changes nothing the second time', async () => {
    const once = await fillRegions('p.md', page('\n'), [region])

    const twice = await fillRegions('p.md', once, [region])

    assert.equal(twice, once)
  })

  it('leaves the regions of other pages alone', async () => {
    const filled = await fillRegions('p.md', 'nothing here\n', [{ ...region, page: 'other.md' }])

    assert.equal(filled, 'nothing here\n')
  })

  it('refuses a marker that nobody renders', async () => {
    await assert.rejects(fillRegions('p.md', page('\n'), []), /p\.md: no region is called "a"/)
  })

  it('refuses a region without its markers', async () => {
    await assert.rejects(fillRegions('p.md', '<!-- generated:a -->\n', [region]), /expected the lines/)
  })

  it('refuses two regions of one name', async () => {
    await assert.rejects(fillRegions('p.md', page('\n') + page('\n'), [region]), /two regions/)
  })
})
