/** Servers of the Redis protocol on 127.0.0.1, each with a folder of its own. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, type GuardedChild, spawnGuarded } from '../../src/demo/processes.ts'
import { debianCommand } from './debian-package.ts'
import { until } from './until.ts'

export class Redis {
  readonly port: number
  readonly folder: string
  readonly #words: readonly string[]
  #server: GuardedChild | undefined

  /** @param words of the command line that starts it; it writes its process id into `pid` of the folder */
  constructor(port: number, folder: string, words: readonly string[]) {
    this.port = port
    this.folder = folder
    this.#words = words
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    let said = ''
    const server = await spawnGuarded(['redis-server', ...this.#words], {
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
    const answer = await this.#asked(words, (text) => text.includes('\r\n'))
    return answer.split('\r\n', 1)[0] ?? ''
  }

  /** The same for the whole answer: all texts and numbers in it, whatever lists they stand in. */
  async values(...words: readonly string[]): Promise<readonly string[]> {
    const answer = await this.#asked(words, (text) => valuesIn(text) !== undefined)
    return valuesIn(answer) ?? []
  }

  async #asked(words: readonly string[], isWhole: (answer: string) => boolean): Promise<string> {
    const socket = connect(this.port, '127.0.0.1')
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer within 5 s')))
    try {
      await once(socket, 'connect')
      socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
      let answer = ''
      for await (const part of socket) {
        answer += String(part)
        if (isWhole(answer)) break
      }
      return answer
    } finally {
      socket.destroy()
    }
  }
}

/** Undefined: there is more to arrive. @throws with the words of a refusal */
function valuesIn(answer: string): readonly string[] | undefined {
  const values: string[] = []
  let at = 0
  for (let left = 1; left > 0; left -= 1) {
    const end = answer.indexOf('\r\n', at)
    if (end === -1) return undefined
    const [kind, rest] = [answer[at], answer.slice(at + 1, end)]
    at = end + 2
    if (kind === '-') throw new Error(rest)
    if (kind === '*') left += Math.max(0, Number(rest))
    else if (kind === '$' && rest !== '-1') {
      const text = answer.slice(at, at + Number(rest))
      if (answer.length < at + Number(rest) + 2) return undefined
      values.push(text)
      at += Number(rest) + 2
    } else values.push(rest)
  }
  return values
}

/** @param options of the server, such as `--requirepass X` as two words */
export async function startRedis(...options: readonly string[]): Promise<Redis> {
  return await started((port, folder) => [
    ...['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--port', String(port)],
    ...['--dir', folder, '--pidfile', join(folder, 'pid'), ...options],
  ])
}

/** @param lines of its configuration: whom it watches, and how */
export async function startSentinel(lines: readonly string[]): Promise<Redis> {
  return await started(async (port, folder) => {
    const file = join(folder, 'sentinel.conf')
    const own = ['bind 127.0.0.1', `port ${port}`, `dir ${folder}`, `pidfile ${join(folder, 'pid')}`]
    await writeFile(file, `${[...own, ...lines].join('\n')}\n`)
    return [file, '--sentinel']
  })
}

async function started(wordsOf: (port: number, folder: string) => string[] | Promise<string[]>): Promise<Redis> {
  await debianCommand('redis-server', 'redis-server')
  const [port = 0] = await freePorts(1)
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-redis-'))
  const redis = new Redis(port, folder, await wordsOf(port, folder))
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
