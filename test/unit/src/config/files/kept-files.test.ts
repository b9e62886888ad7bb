/** Secret files that are kept for a second, on a clock of its own. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { KeptFiles } from '../../../../../src/config/files/kept-files.ts'
import { readProtected } from '../../../../../src/config/files/protected-file.ts'
import { until } from '../../../../support/until.ts'

let nowMs = 0
let folder: string
let file: string
/** Every reading of a file, and the buffers that came of them. */
let readings: string[] = []
let buffers: Buffer[] = []
let files: KeptFiles

beforeEach(() => {
  nowMs = 5000
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-kept-'))
  file = join(folder, 'secret')
  write('first')
  readings = []
  buffers = []
  files = new KeptFiles(
    async (path) => {
      readings.push(path)
      const bytes = await readProtected(path)
      buffers.push(bytes)
      return bytes
    },
    () => nowMs,
  )
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(text: string, path = file): void {
  writeFileSync(path, text, { mode: 0o600 })
}

const text = async (path = file): Promise<string> => (await files.read(path)).toString()

describe('a kept file', () => {
  it('is read once within a second, and again after it', async () => {
    assert.equal(await text(), 'first')
    write('later')
    nowMs += 999
    assert.equal(await text(), 'first')
    assert.equal(readings.length, 1)

    nowMs += 1
    assert.equal(await text(), 'later')
    assert.equal(readings.length, 2)
  })

  it('counts from the moment at which its reading begins, however long that takes', async () => {
    const slow: ((bytes: Buffer) => void)[] = []
    const slowly = new KeptFiles(
      () => new Promise<Buffer>((resolve) => slow.push(resolve)),
      () => nowMs,
    )
    const early = slowly.read(file)
    nowMs += 999
    const together = slowly.read(file)
    nowMs += 1
    const late = slowly.read(file)
    assert.equal(slow.length, 2)

    slow[0]?.(Buffer.from('old'))
    slow[1]?.(Buffer.from('new'))

    assert.deepEqual(
      (await Promise.all([early, together, late])).map((bytes) => bytes.toString()),
      ['old', 'old', 'new'],
    )
  })

  it('is one reading for all who ask at once, with a buffer for each', async () => {
    const [one, other] = await Promise.all([files.read(file), files.read(file)])
    assert.equal(readings.length, 1)
    one?.fill(0)
    assert.equal(other?.toString(), 'first')
    assert.equal(await text(), 'first')
  })

  it('is refused after a second where others may write to it by then, or to a folder on its way', async () => {
    for (const path of [file, folder]) {
      assert.equal(await text(), 'first')
      chmodSync(path, 0o777)
      nowMs += 1000
      await assert.rejects(files.read(file), /everybody may/)
      chmodSync(path, 0o700)
    }
  })

  it('is missing after a second once it was removed', async () => {
    assert.equal(await text(), 'first')
    unlinkSync(file)
    nowMs += 1000
    await assert.rejects(files.read(file), /no such file/)
  })

  it('is read again after a failure', async () => {
    unlinkSync(file)
    const refused = await Promise.allSettled([files.read(file), files.read(file)])
    assert.deepEqual(
      refused.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    assert.equal(readings.length, 1)
    write('first')
    assert.equal(await text(), 'first')
  })

  it('is overwritten when its second is over, after whoever asked before has a copy', async () => {
    const asked = files.read(file)
    nowMs += 1000
    const next = files.read(file)

    assert.equal((await asked).toString(), 'first')
    assert.equal((await next).toString(), 'first')
    const [dropped, kept] = buffers
    assert.deepEqual(dropped, Buffer.alloc('first'.length))
    assert.equal(kept?.toString(), 'first')
  })

  it('is overwritten though nobody asks again', async ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    assert.equal(await text(), 'first')
    const [bytes] = buffers
    nowMs += 999
    mock.timers.tick(999)
    assert.equal(bytes?.toString(), 'first')
    nowMs += 1
    mock.timers.tick(1)
    mock.timers.reset()
    await until(() => bytes?.every((byte) => byte === 0) === true, 'zeros')
  })

  it('is one of 512 at most: the oldest go first, and are overwritten', async () => {
    const names = Array.from({ length: 513 }, (_, at) => join(folder, `s${at}`))
    const [oldest = '', second = ''] = names
    for (const name of names) {
      write(name, name)
      assert.equal(await text(name), name)
    }
    assert.deepEqual(buffers[0], Buffer.alloc(oldest.length))
    assert.equal(await text(second), second)
    assert.equal(readings.length, 513)
    assert.equal(await text(oldest), oldest)
    assert.equal(readings.length, 514)
  })
})
