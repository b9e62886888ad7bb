/**
 * The program that holds a listening socket without taking a connection from it, as systemd does for a socket unit, and
 * starts gateways that inherit it. Its own descriptor 3 is the socket. It ends, and they with it, when its parent does.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { SOURCE_OPTIONS } from './source-options.ts'

/** What the parent asks for. */
export type Order =
  | { readonly start: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> }
  | { readonly signal: NodeJS.Signals; readonly to: string }

/** What the parent is told. */
export type Told =
  | { readonly from: string; readonly text: string }
  | { readonly from: string; readonly code: number | null }

const main = join(import.meta.dirname, '../../src/main.ts')
const children = new Map<string, ChildProcess>()
const tell = (told: Told): void => {
  // Whoever asked may be gone by now.
  if (process.connected) process.send?.(told, undefined, undefined, () => undefined)
}

process.on('message', (order: Order) => {
  if ('signal' in order) children.get(order.to)?.kill(order.signal)
  else start(order)
})
process.on('disconnect', () => {
  for (const child of children.values()) child.kill('SIGKILL')
  process.exit()
})

function start({ start: name, args, env }: Extract<Order, { start: string }>): void {
  // The shell's own number is the gateway's after `exec`, as systemd's child has it.
  const script = 'LISTEN_PID=$$ exec "$0" "$@"'
  const child = spawn('sh', ['-c', script, process.execPath, ...SOURCE_OPTIONS, main, ...args], {
    env: { PATH: process.env['PATH'] ?? '', LISTEN_FDS: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 3],
  })
  children.set(name, child)
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => tell({ from: name, text }))
  }
  child.once('close', (code: number | null) => tell({ from: name, code }))
}
