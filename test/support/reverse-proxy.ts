/**
 * Real reverse proxies as child processes on loopback, each in a folder of its own: nginx and HAProxy, with the parts of a
 * configuration that a test is about, or with a whole file. They end with the test, however that ends.
 */
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnGuarded } from '../../src/demo/processes.ts'
import { debianCommand, debianPackage } from './debian-package.ts'
import { until } from './until.ts'

export interface ReverseProxy {
  /** The end of what it has written to its standard streams. */
  output(): string
  stop(): Promise<void>
}

const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'

const OUTPUT_CHARACTERS = 16_384

/** @param http what stands in its `http` block; it must listen at `port` */
export async function startNginx(port: number, http: string): Promise<ReverseProxy> {
  const map = "map $http_upgrade $connection_upgrade { default upgrade; '' close; }"
  return await startNginxFile(port, `access_log off;\n${map}\n${http}`)
}

/** @param text a file for its `http` block, or for its `stream` block; it must listen at `port` */
export async function startNginxFile(
  port: number,
  text: string,
  block: 'http' | 'stream' = 'http',
): Promise<ReverseProxy> {
  await debianCommand('nginx', 'nginx')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`)
  const isStream = block === 'stream'
  if (isStream) await debianPackage('libnginx-mod-stream', () => isThere(STREAM_MODULE))
  const whole = `
${isStream ? `load_module ${STREAM_MODULE};` : ''}
daemon off;
pid nginx.pid;
error_log stderr;
events {}
${block} {
  ${isStream ? '' : temporary.join(' ')}
  ${text}
}
`
  return await startProxy(port, whole, (folder, file) => ['nginx', '-p', folder, '-c', file, '-e', 'stderr'])
}

/** @param text its frontends and backends; it must listen at `port` */
export async function startHaproxy(port: number, text: string): Promise<ReverseProxy> {
  const defaults = 'defaults\n  timeout connect 5s\n  timeout client 75s\n  timeout server 75s\n  timeout tunnel 75s\n'
  return await startHaproxyFile(port, `${defaults}${text}\n`)
}

/** @param text a whole file; it must listen at `port` */
export async function startHaproxyFile(port: number, text: string): Promise<ReverseProxy> {
  await debianCommand('haproxy', 'haproxy')
  return await startProxy(port, text, (_folder, file) => ['haproxy', '-db', '-f', file])
}

async function startProxy(
  port: number,
  text: string,
  command: (folder: string, file: string) => readonly string[],
): Promise<ReverseProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-proxy-'))
  const file = join(folder, 'proxy.conf')
  await writeFile(file, text)
  let output = ''
  const child = await spawnGuarded(command(folder, file), {
    cwd: folder,
    folder,
    output: (more) => {
      output = (output + more).slice(-OUTPUT_CHARACTERS)
    },
  })
  const stop = async (): Promise<void> => {
    await child.kill()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await until(() => child.hasEnded() || takesConnections(port), 'the reverse proxy', 30_000)
    if (child.hasEnded()) throw new Error('it ended')
  } catch (cause) {
    await stop()
    throw new Error(`the reverse proxy did not start:\n${output}`, { cause })
  }
  return { output: () => output, stop }
}

async function takesConnections(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
