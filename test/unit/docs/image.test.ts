/** deploy/Dockerfile gets all that the build takes, and what the features with optional packages need. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const root = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('the image', () => {
  const dockerfile = read('deploy/Dockerfile')

  it('is built from every folder that the build takes, and from no other', () => {
    const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] }
    const copied = [...dockerfile.matchAll(/^COPY (\w+) \1$/gm)].map(([, folder]) => folder)
    assert.deepEqual(copied.toSorted(), [...include, 'scripts'].toSorted())
    const context = read('.dockerignore').split('\n')
    for (const folder of copied) assert.ok(context.includes(`!${folder}`), folder)
  })

  it('has the packages of state and of the directory, in the versions that were tested', () => {
    const { peerDependencies } = JSON.parse(read('package.json')) as { peerDependencies: Record<string, string> }
    for (const name of ['ioredis', 'ldapts']) {
      const [, major = ''] = new RegExp(`\\b${name}@(\\d+)\\b`).exec(dockerfile) ?? []
      assert.equal(peerDependencies[name]?.startsWith(`^${major}.`), true, name)
    }
  })

  it('runs as a user by number, which Kubernetes can tell from root', () => {
    assert.match(dockerfile, /^USER 1000:1000$/m)
  })
})
