/** Servers of the Redis protocol on 127.0.0.1, each with a folder of its own. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findCommand } from '../../src/demo/install.ts'
import { freePorts, type GuardedChild, spawnGuarded } from '../../src/demo/processes.ts'
import { debianPackage } from './kerberos-package.ts'
import { until } from './until.ts'

export class Redis {
  readonly port: number
  readonly folder: string
  readonly #options: readonly string[]
  #server: GuardedChild | undefined

  constructor(port: number, folder: string, options: readonly string[]) {
    this.port = port
    this.folder = folder
    this.#options = options
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    let said = ''
    const own = [
      '--pidfile',
      join(this.folder, 'pid'),
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--dir',
      this.folder,
    ]
    const server = await spawnGuarded(['redis-server', '--save', '', '--appendonly', 'no', ...own, ...this.#options], {
      folder: this.folder,
      output: (text) => {
        said = `${said}${text}`.slice(-4096)
      },
    })
    this.#server = server
    await until(
      async () => {
        if (server.hasEnded()) throw new Error(`redis-server has ended: ${said}`)
        return await answers(this.port)
      },
      'redis-server',
      30_000,
    )
  }

  /** By SIGKILL: what it had not written is lost. */
  async kill(): Promise<void> {
    if (this.#server?.hasEnded() === false) await this.#server.kill()
  }

  /** Its process answers nobody, and goes on where it was after `resume`. */
  async pause(): Promise<void> {
    process.kill(await this.#pid(), 'SIGSTOP')
  }

  async resume(): Promise<void> {
    process.kill(await this.#pid(), 'SIGCONT')
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true })
  }

  async #pid(): Promise<number> {
    return Number(await readFile(join(this.folder, 'pid'), 'utf8'))
  }

  /** One command, on a connection of its own. Resolves to the first line of the answer, as it was sent. */
  async command(...words: readonly string[]): Promise<string> {
    const socket = connect(this.port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
      let answer = ''
      for await (const part of socket) {
        answer += String(part)
        if (answer.includes('\r\n')) break
      }
      return answer.split('\r\n', 1)[0] ?? ''
    } finally {
      socket.destroy()
    }
  }
}

/** @param options of the server, such as `--requirepass X` as two words */
export async function startRedis(...options: readonly string[]): Promise<Redis> {
  await debianPackage('redis-server', async () => (await findCommand('redis-server', process.env)) !== undefined)
  const [port = 0] = await freePorts(1)
  const redis = new Redis(port, await mkdtemp(join(tmpdir(), 'gatehouse-redis-')), options)
  await redis.start()
  return redis
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
