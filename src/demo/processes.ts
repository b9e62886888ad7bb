/**
 * Child processes that cannot outlive us, and ports that nobody else is about to take.
 *
 * Each child is led by a tiny shell, its guard, in a process group of its own. The guard reads a pipe that only we hold:
 * when we end, in whatever way (SIGKILL too), the pipe ends, and the guard ends the group and removes its folder. So no
 * signal handler is needed here, and everything is ended by process group, never by name.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, Socket } from 'node:net'

/** $0 is the folder to remove when the pipe ends ('' for none), $@ the command; a file `pid` in it names a process to end first. */
const GUARD = `
{ "$@" </dev/null; kill -KILL 0; } &
while read -r line; do :; done
# Nobody reads any more: a complaint would end this shell.
exec >/dev/null 2>&1
# First whoever would end this group, and us, as soon as the command ends.
kill -KILL $!
if [ -n "$0" ]; then
  if [ -s "$0/pid" ]; then kill -KILL "$(cat "$0/pid")"; fi
  rm -rf -- "$0" || rm -rf -- "$0"
fi
kill -KILL 0
`

/** Like GUARD, for something that is no child of ours: runs the command only when the pipe ends. */
const LAST_WORD = `
while read -r line; do :; done
"$@" >/dev/null 2>&1
if [ -n "$0" ]; then rm -rf -- "$0"; fi
`

export interface GuardedChild {
  /** The process group's id. */
  readonly pid: number
  /** Settles when the group's leader is gone. */
  readonly ended: Promise<void>
  readonly hasEnded: () => boolean
  /** Ends the whole group at once. */
  kill(): Promise<void>
}

export interface GuardOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** A folder that the guard removes when we end without having ended the child. */
  readonly folder?: string
  /** Receives what the child writes, both streams. */
  readonly output?: (text: string) => void
}

/** Starts a command that ends when we end. Its input is empty. @throws when there is no such command. */
export async function spawnGuarded(command: readonly string[], options: GuardOptions = {}): Promise<GuardedChild> {
  return guard(GUARD, command, options)
}

/** Runs a command when we end, however we end; `kill` calls it off. */
export async function onOurEnd(command: readonly string[], folder?: string): Promise<GuardedChild> {
  return guard(LAST_WORD, command, folder === undefined ? {} : { folder })
}

async function guard(script: string, command: readonly string[], options: GuardOptions): Promise<GuardedChild> {
  const child: ChildProcess = spawn('sh', ['-c', script, options.folder ?? '', ...command], {
    detached: true,
    stdio: ['pipe', options.output ? 'pipe' : 'ignore', options.output ? 'pipe' : 'ignore'],
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  })
  let hasEnded = false
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      hasEnded = true
      resolve()
    })
  })
  await once(child, 'spawn')
  const pid = child.pid
  if (pid === undefined) throw new Error(`${command[0]} could not be started`)

  child.stdin?.on('error', () => undefined)
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => options.output?.(text))
  }
  // The event loop may end while a child runs: whoever wants to wait for it holds something of its own.
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr]) unref(stream)

  async function kill(): Promise<void> {
    if (!hasEnded) {
      killGroup(Number(pid))
      child.ref()
      await ended
    }
  }
  return { pid, ended, hasEnded: () => hasEnded, kill }
}

/** Pipes to children are sockets in fact, though the type says streams. */
function unref(stream: unknown): void {
  if (stream instanceof Socket) stream.unref()
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Free TCP ports on 127.0.0.1, below the range that operating systems hand out by themselves (32768 and up), so that
 * no outgoing connection takes one before the child listens there.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  for (let tries = 0; ports.size < count; tries++) {
    if (tries > 50 * count) throw new Error(`no ${count} free ports between 15000 and 32000 on 127.0.0.1`)
    const port = 15_000 + Math.floor(Math.random() * 17_000)
    if (!ports.has(port) && (await isFree(port))) ports.add(port)
  }
  return [...ports]
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

export interface CommandResult {
  readonly code: number
  readonly output: string
}

/** Runs a command to its end and keeps the last 64 KiB of what it writes. Code 127 when there is no such command. */
export async function runCommand(
  command: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; deadlineMs?: number; stdin?: string } = {},
): Promise<CommandResult> {
  const [file, ...args] = command
  const child = spawn(String(file), args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    timeout: options.deadlineMs ?? 60_000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-65_536)
    })
  }
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.stdin ?? '')
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 127, output: error.message }))
    child.once('close', (code, signal) =>
      resolve({ code: code ?? 1, output: signal ? `${output}\n(${signal})` : output }),
    )
  })
}
