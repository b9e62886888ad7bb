/** The broker in a container, with a docker that is a script: what it is asked for, in which order, and what it is left with. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startContainer } from '../../src/demo/broker-container.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { until } from '../support/until.ts'

/** Remembers calls and copied files; its container is a process that answers as the management API does. */
const DOCKER = `#!${process.execPath}
const fs = require('node:fs'), http = require('node:http'), { spawn } = require('node:child_process')
const folder = process.env.FOLDER, [command, ...args] = process.argv.slice(2), pid = folder + '/pid'
if (command === 'serve') {
  const port = fs.readFileSync(folder + '/port', 'utf8')
  http.createServer((_, answer) => answer.end('{"rabbitmq_version":"4.9.9"}')).listen(port, '127.0.0.1', () => fs.writeFileSync(folder + '/up', ''))
} else {
  fs.appendFileSync(folder + '/calls', [command, ...args].join(' ') + '\\n')
  const end = () => { if (fs.existsSync(pid)) { process.kill(Number(fs.readFileSync(pid, 'utf8')), 'SIGKILL'); fs.rmSync(pid); fs.rmSync(folder + '/up', { force: true }) } }
  if (command === 'create') fs.writeFileSync(folder + '/port', args.join(' ').match(/127.0.0.1:(\\d+):15672/)[1])
  if (command === 'cp') fs.copyFileSync(args[0], folder + '/file' + args[1].split(':')[1].replaceAll('/', '_'))
  if (command === 'start') {
    const child = spawn(process.execPath, [__filename, 'serve'], { detached: true, stdio: 'ignore' })
    fs.writeFileSync(pid, String(child.pid)); child.unref()
  }
  if (command === 'logs') { const wait = setInterval(() => { if (fs.existsSync(folder + '/up')) { clearInterval(wait); console.log('Server startup complete; 4 plugins started.'); setInterval(() => {}, 1000) } }, 20) }
  if (command === 'kill' || command === 'stop' || command === 'rm') end()
  if (command === 'inspect') console.log('2026-01-01T00:00:00Z')
  if (command === 'exec') console.log('did ' + args.slice(1).join(' '))
}
`

describe('startContainer', () => {
  let folder: string
  let certificates: Certificates
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-docker-'))
    certificates = await createCertificates()
    await writeFile(join(folder, 'docker'), DOCKER, { mode: 0o755 })
  })
  after(async () => {
    await certificates.remove()
    await rm(folder, { recursive: true })
  })

  it('publishes on loopback only, copies files in, restarts the same container, removes it', async () => {
    const { authority, server } = certificates
    const rabbit = await startContainer({
      say: () => undefined,
      env: { ...process.env, PATH: `${folder}:${process.env['PATH']}`, FOLDER: folder },
      startDeadlineMs: 30_000,
      tls: { ca: authority.caFile, cert: server.certFile, key: server.keyFile },
      plugins: ['rabbitmq_auth_mechanism_ssl'],
    })
    const said = await rabbit.ctl('list_users')
    await rabbit.halt('SIGKILL')
    await rabbit.restart()
    await rabbit.stop()

    const calls = (await readFile(join(folder, 'calls'), 'utf8')).trimEnd().split('\n')
    const [create = ''] = calls
    const name = /--name (\S+)/.exec(create)?.[1] ?? ''
    assert.equal(rabbit.version, '4.9.9')
    assert.equal(said, 'did rabbitmqctl -q list_users')
    assert.match(
      create,
      new RegExp(`-p 127\\.0\\.0\\.1:${rabbit.port}:5672 -p 127\\.0\\.0\\.1:${rabbit.tlsPort}:5671 `),
    )
    assert.doesNotMatch(create, /-p (?!127\.0\.0\.1:)/)
    assert.equal(calls.filter((call) => call === `start ${name}`).length, 2)
    assert.ok(calls.indexOf(`kill ${name}`) > calls.indexOf(`start ${name}`))
    assert.equal(calls.at(-1), `rm --force --volumes ${name}`)
    const config = await readFile(join(folder, 'file_etc_rabbitmq_conf.d_20-gatehouse.conf'), 'utf8')
    assert.match(config, /ssl_options\.certfile = \/etc\/rabbitmq\/cert\.pem/)
    assert.equal(await readFile(join(folder, 'file_etc_rabbitmq_key.pem'), 'utf8'), server.key)
    await until(async () => !(await readdir(folder)).includes('pid'), 'the container gone')
  })
})
