/** `serve -c FILE`: SIGHUP and `watch: true` read the file again; what is wrong with it changes nothing. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { CommandProcess } from '../support/command-process.ts'
import { configFiles, FIXTURE_ENV } from '../support/config-files.ts'
import { until } from '../support/until.ts'

const folder = configFiles()
const minimal = readFileSync(join(folder, 'valid/minimal.yaml'), 'utf8').replace('port: 8080', 'port: 0')
const users = join(folder, 'valid/users.yaml')
const configuration = (drain: number, watch = false) =>
  minimal.replace('users.yaml', users).concat(`drain: ${drain}s\nwatch: ${watch}\n`)

function reloads(command: CommandProcess, name: 'reload-done' | 'reload-refused') {
  return command.events().filter(({ event }) => event === name)
}

describe('a served file', () => {
  it('is read again at SIGHUP; a broken one is told with its place, and changes nothing', async (t) => {
    const file = join(folder, 'invalid/served.yaml')
    writeFileSync(file, configuration(1), { mode: 0o600 })
    const command = new CommandProcess(['serve', '-c', file], FIXTURE_ENV)
    t.after(() => command.kill())
    await command.url()

    writeFileSync(file, configuration(2))
    command.signal('SIGHUP')
    assert.match(String((await command.event('reload-done'))['detail']), /changed: drain;/)

    const broken = readdirSync(join(folder, 'invalid')).filter((name) => name.endsWith('.yaml') && !file.endsWith(name))
    for (const [index, name] of broken.entries()) {
      writeFileSync(file, readFileSync(join(folder, 'invalid', name)))
      command.signal('SIGHUP')
      const line = await until(() => reloads(command, 'reload-refused')[index], name, 30_000)
      const text = readFileSync(join(folder, 'invalid', name.replace('.yaml', '.txt')), 'utf8')
      // An empty file has no place, and a users file has its own.
      const [, place] = /^[^:]+\.yaml(:\d+:\d+: |: )/.exec(text) ?? []
      assert.ok(String(line['detail']).includes(`.yaml${place}`), name)
    }

    writeFileSync(file, configuration(2))
    command.signal('SIGHUP')
    const last = await until(() => reloads(command, 'reload-done')[1], 'the last reload', 30_000)
    assert.match(String(last['detail']), /the configuration is the same/)
    command.signal('SIGTERM')
    assert.equal((await command.exit()).code, 0)
  })

  it('is watched through the links that Kubernetes swaps, and loses none of 20 changes', async (t) => {
    const mount = join(folder, 'mount')
    mkdirSync(mount)
    const swap = (version: number) => {
      mkdirSync(join(mount, `v${version}`))
      writeFileSync(join(mount, `v${version}/gatehouse.yaml`), configuration(version, true), { mode: 0o600 })
      symlinkSync(`v${version}`, join(mount, '..next'))
      renameSync(join(mount, '..next'), join(mount, '..data'))
    }
    swap(0)
    symlinkSync('..data/gatehouse.yaml', join(mount, 'gatehouse.yaml'))
    const command = new CommandProcess(['serve', '-c', join(mount, 'gatehouse.yaml')], FIXTURE_ENV)
    t.after(() => command.kill())
    await command.url()

    for (let version = 1; version <= 20; version++) {
      swap(version)
      const line = await until(() => reloads(command, 'reload-done')[version - 1], `reload ${version}`, 30_000)
      assert.match(String(line['detail']), /changed: drain;/)
    }
    assert.equal(reloads(command, 'reload-done').length, 20)
    command.signal('SIGTERM')
    assert.equal((await command.exit()).code, 0)
  })
})
