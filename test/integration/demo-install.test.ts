/** Installing a package, with an apt-get that only writes down what it is asked and what the policy says meanwhile. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { installPackage } from '../../src/demo/install.ts'

const APT_GET = `#!/bin/sh
echo "$* frontend=$DEBIAN_FRONTEND policy=$("$POLICY"; echo $?)" >> "$FOLDER/calls"
case "$1" in
  update) touch "$FOLDER/updated" ;;
  install) if [ -e "$FOLDER/broken" ] || { [ -e "$FOLDER/outdated" ] && [ ! -e "$FOLDER/updated" ]; }; then echo "E: Unable to locate package $4"; exit 100; fi ;;
esac
`

describe('installPackage', () => {
  let folder: string
  let policyFile: string
  let said: string[]
  const install = () => {
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}`, FOLDER: folder, POLICY: policyFile }
    return installPackage('some-package', { say: (line) => said.push(line), env, policyFile })
  }
  const calls = async () => (await readFile(join(folder, 'calls'), 'utf8')).trimEnd().split('\n')
  const exists = (path: string) =>
    stat(path)
      .then(() => true)
      .catch(() => false)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-install-'))
    policyFile = join(folder, 'policy-rc.d')
    said = []
    await writeFile(join(folder, 'apt-get'), APT_GET, { mode: 0o755 })
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('announces itself, forbids services to start, and takes the policy away again', async () => {
    await install()

    assert.deepEqual(await calls(), [
      'install -y --no-install-recommends some-package frontend=noninteractive policy=101',
    ])
    assert.equal(await exists(policyFile), false)
    assert.match(said[0] ?? '', /installing the package some-package/)
  })

  it('puts a policy that was there back', async () => {
    await writeFile(policyFile, '#!/bin/sh\nexit 0\n', { mode: 0o755 })

    await install()

    assert.match((await calls())[0] ?? '', /policy=101/)
    assert.equal(await readFile(policyFile, 'utf8'), '#!/bin/sh\nexit 0\n')
  })

  it('updates the package lists when the package is not found', async () => {
    await writeFile(join(folder, 'outdated'), '')

    await install()

    assert.deepEqual(
      (await calls()).map((call) => call.split(' ')[0]),
      ['install', 'update', 'install'],
    )
  })

  it('shows what apt-get said when it fails, and still restores the policy', async () => {
    await writeFile(join(folder, 'broken'), '')
    await writeFile(policyFile, '#!/bin/sh\nexit 0\n', { mode: 0o755 })

    await assert.rejects(install(), /apt-get install some-package failed with 100:[\s\S]*Unable to locate package/)

    assert.equal(await readFile(policyFile, 'utf8'), '#!/bin/sh\nexit 0\n')
  })
})
