/** deploy/systemd/ as systemd’s own tools judge it: units, how much each of them leaves open, users and folders. */
import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../../src/demo/processes.ts'
import { debianCommand } from '../support/debian-package.ts'

const FOLDER = fileURLToPath(new URL('../../deploy/systemd', import.meta.url))
/** Of 10, which is a unit that leaves everything open; in tenths, as `systemd-analyze` takes it. */
const EXPOSURE_TENTHS = 20

let folder: string
let units: readonly string[]

async function succeed(command: readonly string[]): Promise<string> {
  const env = { ...process.env, XDG_RUNTIME_DIR: folder, SYSTEMD_COLORS: '0' }
  const { code, output } = await runCommand(command, { cwd: folder, env })
  assert.equal(code, 0, output)
  return output
}

before(async () => {
  await debianCommand('systemd', 'systemd-analyze')
  await debianCommand('curl', 'curl')
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-units-'))
  const command = join(folder, 'gatehouse')
  await writeFile(command, '#!/bin/sh\n', { mode: 0o755 })
  const names = (await readdir(FOLDER)).filter((name) => /\.(?:service|socket)$/.test(name))
  for (const name of names) {
    const text = await readFile(join(FOLDER, name), 'utf8')
    await writeFile(join(folder, name), text.replaceAll('/usr/local/bin/gatehouse', command))
  }
  // A template is judged by an instance.
  for (const one of ['a', 'b'])
    await copyFile(join(folder, 'gatehouse@.service'), join(folder, `gatehouse@${one}.service`))
  units = ['gatehouse@a.service', 'gatehouse@b.service', ...names.filter((name) => !name.includes('@'))]
})
after(() => rm(folder, { recursive: true, force: true }))

describe('the units of deploy/systemd', () => {
  it('are there', () => {
    assert.deepEqual([...units].sort(), [
      'gatehouse-connect.service',
      'gatehouse-door.service',
      'gatehouse.service',
      'gatehouse.socket',
      'gatehouse@a.service',
      'gatehouse@b.service',
    ])
  })

  it('have no mistake and nothing that systemd does not know', async () => {
    for (const unit of units) {
      const user = unit.includes('connect') ? ['--user'] : []
      const output = await succeed(['systemd-analyze', 'verify', ...user, '--man=no', `./${unit}`])
      assert.equal(output.includes(unit), false, output)
    }
  })

  it('leave little open to a gateway that somebody has taken over', async () => {
    for (const unit of ['gatehouse.service', 'gatehouse@a.service', 'gatehouse-door.service']) {
      await succeed([
        'systemd-analyze',
        'security',
        '--no-pager',
        '--offline=true',
        `--threshold=${EXPOSURE_TENTHS}`,
        `./${unit}`,
      ])
    }
  })

  it('of gateways differ only in what a shared socket needs', async () => {
    const lines = async (name: string) =>
      (await readFile(join(FOLDER, name), 'utf8')).split('\n').filter((line) => !line.startsWith('#'))
    const one = new Set(await lines('gatehouse.service'))
    const template = new Set(await lines('gatehouse@.service'))
    const only = (these: Set<string>, those: Set<string>) => [...these].filter((line) => !those.has(line))
    assert.deepEqual(
      only(one, template).map((line) => line.split('=')[0]),
      ['Description', 'After'],
    )
    assert.deepEqual(
      only(template, one).map((line) => line.split('=')[0]),
      ['Description', 'Requires', 'After', 'Sockets', 'EnvironmentFile', 'ExecStartPost'],
    )
  })
})

describe('users and folders of deploy/systemd', () => {
  it('are created for the units', async () => {
    const root = join(folder, 'root')
    await mkdir(join(root, 'etc'), { recursive: true })
    await succeed(['systemd-sysusers', `--root=${root}`, join(FOLDER, 'gatehouse.sysusers.conf')])
    await succeed(['systemd-tmpfiles', `--root=${root}`, '--create', join(FOLDER, 'gatehouse.tmpfiles.conf')])

    const passwd = await readFile(join(root, 'etc/passwd'), 'utf8')
    for (const unit of ['gatehouse.service', 'gatehouse@.service', 'gatehouse-door.service']) {
      const text = await readFile(join(FOLDER, unit), 'utf8')
      const [, user = ''] = /^User=(.+)$/m.exec(text) ?? []
      // Nobody else may read what is in the folder.
      for (const [, file = ''] of text.matchAll(/^Exec.* -c (\S+)$/gm))
        assert.equal((await stat(join(root, dirname(file)))).uid, uidIn(passwd, user), `${unit}: ${file}`)
      assert.match(passwd, new RegExp(`^${user}:.*:/usr/sbin/nologin$`, 'm'))
    }
    for (const [name, user] of [
      ['etc/gatehouse', 'gatehouse'],
      ['etc/gatehouse/secrets', 'gatehouse'],
      ['etc/gatehouse-door', 'gatehouse-door'],
    ] as const) {
      const found = await stat(join(root, name))
      assert.equal(found.mode & 0o777, 0o700)
      assert.equal(found.uid, uidIn(passwd, user), name)
    }
    for (const [name, text] of [
      ['environment', ''],
      ['a.environment', 'ADMIN_PORT=8081\n'],
      ['b.environment', 'ADMIN_PORT=8082\n'],
    ] as const) {
      const file = join(root, 'etc/gatehouse', name)
      assert.equal(await readFile(file, 'utf8'), text)
      assert.equal((await stat(file)).mode & 0o777, 0o600)
    }
  })
})

function uidIn(passwd: string, user: string): number {
  return Number(new RegExp(`^${user}:x:(\\d+):`, 'm').exec(passwd)?.[1])
}
