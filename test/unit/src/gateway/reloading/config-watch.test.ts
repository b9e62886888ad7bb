/** The file is followed through renames, swapped links and writes in place: each change once, none for half a file. */
import assert from 'node:assert/strict'
import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ConfigWatch } from '../../../../../src/gateway/reloading/config-watch.ts'
import { until } from '../../../../support/until.ts'

/** Longer than between two looks. */
const LOOK_MS = 300
/** Longer than a file that is written in place has to be stable. */
const STABLE_MS = 1_500

interface Scene {
  readonly folder: string
  readonly file: string
  readonly watch: ConfigWatch
  changeCount(): number
}

async function scene(t: TestContext): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-watch-'))
  const file = join(folder, 'gatehouse.yaml')
  await writeFile(file, 'one')
  let count = 0
  const watch = new ConfigWatch(file, () => {
    count += 1
  })
  t.after(async () => {
    watch.follow(false)
    await rm(folder, { recursive: true, force: true })
  })
  watch.follow(true)
  // The first look tells what is there.
  await pause(LOOK_MS)
  return { folder, file, watch, changeCount: () => count }
}

describe('ConfigWatch', { concurrency: true }, () => {
  it('sees a renamed file at once, and once', async (t) => {
    const { folder, file, changeCount } = await scene(t)
    for (const text of ['two', 'three']) {
      const before = changeCount()
      await writeFile(join(folder, 'next'), text)
      await rename(join(folder, 'next'), file)
      await until(() => changeCount() === before + 1, 'the change')
    }
    await pause(STABLE_MS)
    assert.equal(changeCount(), 2)
  })

  it('takes a file that stays away for a change, once, and the next file for another one', async (t) => {
    const { file, changeCount } = await scene(t)
    await rm(file)
    await until(() => changeCount() === 1, 'the loss to be seen')
    await pause(STABLE_MS)
    assert.equal(changeCount(), 1)
    await writeFile(file, 'two')
    await until(() => changeCount() === 2, 'the new file')
  })

  it('sees a link that is swapped above the file, as Kubernetes does it', async (t) => {
    const { folder } = await scene(t)
    for (const name of ['first', 'second']) {
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, 'gatehouse.yaml'), name)
    }
    await symlink('first', join(folder, 'data'))
    let count = 0
    const watch = new ConfigWatch(join(folder, 'data/gatehouse.yaml'), () => {
      count += 1
    })
    t.after(() => watch.follow(false))
    watch.follow(true)
    await pause(LOOK_MS)

    await symlink('second', join(folder, 'next'))
    await rename(join(folder, 'next'), join(folder, 'data'))

    await until(() => count === 1, 'the change')
    await pause(STABLE_MS)
    assert.equal(count, 1)
  })

  it('waits until a file that is written in place is stable', async (t) => {
    const { file, changeCount } = await scene(t)
    const sinceMs = performance.now()
    await writeFile(file, 'half')
    await pause(LOOK_MS)
    await appendFile(file, ' and the other half')
    await until(() => changeCount() === 1, 'the change')
    assert.ok(performance.now() - sinceMs >= 1_000)
    await pause(STABLE_MS)
    assert.equal(changeCount(), 1)
  })

  it('bears a file that is away for a while', async (t) => {
    const { file, changeCount } = await scene(t)
    await rename(file, `${file}.old`)
    await pause(LOOK_MS)
    assert.equal(changeCount(), 0)
    await writeFile(file, 'back')
    await until(() => changeCount() === 1, 'the change')
  })

  it('says nothing when it does not follow, and begins with what is there then', async (t) => {
    const { folder, file, watch, changeCount } = await scene(t)
    watch.follow(false)
    await writeFile(join(folder, 'next'), 'unseen')
    await rename(join(folder, 'next'), file)
    await pause(LOOK_MS)
    watch.follow(true)
    watch.follow(true)
    await pause(LOOK_MS)
    assert.equal(changeCount(), 0)
    await writeFile(join(folder, 'next'), 'seen')
    await rename(join(folder, 'next'), file)
    await until(() => changeCount() === 1, 'the change')
  })
})
