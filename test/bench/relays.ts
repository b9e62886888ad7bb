/** What is measured side by side: each relay a process of its own in front of one and the same broker. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ModuleKind, ScriptTarget, transpile } from 'typescript'
import { freePorts } from '../../src/demo/processes.ts'
import type { Door } from '../support/load-peer.ts'
import { until } from '../support/until.ts'
import { type BenchBroker, type Setting, spawnConnect, spawnGateway } from './gateway.ts'

export interface Relay {
  readonly name: string
  /** Undefined for no relay at all. */
  readonly pid: number | undefined
  readonly door: Door
  /** The door for a set-up that proves itself with a token instead. */
  readonly tokenDoor?: Door
  stop(): void
}

const HERE = fileURLToPath(new URL('.', import.meta.url))
const WEBSOCKIFY = '/usr/bin/websockify'
/** A gateway starts within a second, but not on a machine that is busy with other things. */
const START_MS = 60_000

/** Before the name of a setting: that of the other version. */
const OTHER = 'other:'
/** In the name of its relay. */
export const OTHER_NAME = ' (other)'

/** Each of the names, and behind each setting of Gatehouse the same one of another version. */
export function withOther(names: readonly string[]): string[] {
  return names.flatMap((name) => (isSetting(name) ? [name, OTHER + name] : [name]))
}

const isSetting = (name: string): boolean => !['direct', 'pipe', 'native-pipe', 'websockify', 'connect'].includes(name)

interface HowToStart {
  /** Relays that run already. */
  readonly extra?: readonly Relay[]
  /** Of Node.js, for those that it runs. */
  readonly options?: readonly string[]
  /** The folder of the other version, which is built. */
  readonly other?: string | undefined
}

/**
 * Every relay at hand, the floor first; the caller stops them. Where one does not start, those before it are stopped.
 */
export async function startRelays(
  broker: BenchBroker,
  names: readonly string[],
  { extra = [], options = [], other }: HowToStart = {},
): Promise<Relay[]> {
  const relays: Relay[] = []
  try {
    for (const name of names) {
      if (name === 'direct') relays.push(direct(broker))
      else if (name === 'pipe') relays.push(await pipe(broker, 'bare pipe', options, { WS_NO_BUFFER_UTIL: '1' }))
      else if (name === 'native-pipe') relays.push(await pipe(broker, 'bare pipe, native unmasking', options, {}))
      else if (name === 'websockify') {
        if (existsSync(WEBSOCKIFY)) relays.push(await websockify(broker))
        else process.stderr.write('websockify is not installed: left out\n')
      } else if (name === 'connect') relays.push(await connectRelay(broker, options))
      else if (name.startsWith(OTHER))
        relays.push(await gatehouse(broker, name.slice(OTHER.length) as Setting, options, other))
      else relays.push(await gatehouse(broker, name as Setting, options))
    }
  } catch (error) {
    for (const relay of relays) relay.stop()
    throw error
  }
  return [...relays, ...extra]
}

/** A relay that runs already, as `--relay NAME=URL,PID` names it. */
export function external(broker: BenchBroker, spec: string): Relay {
  const [, name = '', url = '', pid = ''] = /^([^=]+)=(ws:\/\/[^,]+),(\d+)$/.exec(spec) ?? []
  if (name === '') throw new Error(`--relay ${spec}: expected NAME=ws://127.0.0.1:PORT/PATH,PROCESS_ID`)
  return { name, pid: Number(pid), door: doorOf(broker, url), stop: () => {} }
}

function doorOf({ vhost, user, password }: BenchBroker, url: string): Door {
  return { url, vhost, user, password }
}

function direct(broker: BenchBroker): Relay {
  const { host, port } = broker.rabbit
  return { name: 'direct', pid: undefined, door: doorOf(broker, `amqp://${host}:${port}`), stop: () => {} }
}

async function pipe(
  broker: BenchBroker,
  name: string,
  options: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Relay> {
  // As plain JavaScript: what runs the sources of tests adds to every function's cost.
  const program = transpile(readFileSync(`${HERE}pipe.ts`, 'utf8'), {
    target: ScriptTarget.ESNext,
    module: ModuleKind.ESNext,
  })
  const args = [...options, '--input-type=module', '--eval', program, broker.rabbit.host, String(broker.rabbit.port)]
  const child = spawn(process.execPath, args, {
    cwd: HERE,
    // Its standard input ends with us, and it with that: no relay outlives a benchmark that failed.
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const port = await orEnded(child, firstLine(child))
  return started(name, child, doorOf(broker, `ws://127.0.0.1:${port}/`))
}

async function websockify(broker: BenchBroker): Promise<Relay> {
  const [port = 0] = await freePorts(1)
  const { host, port: brokerPort } = broker.rabbit
  const child = spawn(WEBSOCKIFY, [`127.0.0.1:${port}`, `${host}:${brokerPort}`], { stdio: 'ignore' })
  await orEnded(
    child,
    until(() => reachable(port), 'websockify'),
  )
  return started('websockify', child, doorOf(broker, `ws://127.0.0.1:${port}/`))
}

async function gatehouse(
  broker: BenchBroker,
  setting: Setting,
  options: readonly string[],
  checkout?: string,
): Promise<Relay> {
  const { child, port, token } = await spawnGateway(setting, broker, { options, ...(checkout && { checkout }) })
  await orEnded(
    child,
    until(() => reachable(port), 'the gateway', START_MS),
  )
  // What a client puts into start-ok is thrown away: it shows somebody else's name.
  const door = { url: `ws://127.0.0.1:${port}/amqp`, vhost: '/', user: 'nobody', password: 'nothing' }
  const basic = `Basic ${Buffer.from('joe.smith:welcome').toString('base64')}`
  return {
    ...started(`gatehouse${checkout === undefined ? '' : OTHER_NAME}, ${setting}`, child, {
      ...door,
      headers: { authorization: basic },
    }),
    tokenDoor: { ...door, headers: { authorization: `Bearer ${token}` } },
  }
}

/** Over TCP to `gatehouse connect`, and through a gateway; the process that is measured is the first one. */
async function connectRelay(broker: BenchBroker, options: readonly string[]): Promise<Relay> {
  const gateway = await gatehouse(broker, 'promotion', options)
  try {
    const { child, port } = await spawnConnect(gateway.door.url, options)
    await orEnded(child, firstLine(child))
    const relay = started('gatehouse connect', child, { ...gateway.door, url: `amqp://127.0.0.1:${port}` })
    return {
      ...relay,
      stop: () => {
        relay.stop()
        gateway.stop()
      },
    }
  } catch (error) {
    gateway.stop()
    throw error
  }
}

function started(name: string, child: ChildProcess, door: Door): Relay {
  return { name, pid: child.pid, door, stop: () => child.kill('SIGTERM') }
}

/** What shows that a child is ready; where that does not come, the child is ended. */
async function orEnded<T>(child: ChildProcess, ready: Promise<T>): Promise<T> {
  try {
    return await ready
  } catch (error) {
    child.kill()
    throw error
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  const output = child.stdout ?? child.stderr
  if (output === null) throw new Error('no output')
  for await (const line of createInterface({ input: output })) return line
  throw new Error('a relay ended before it was ready')
}

async function reachable(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
  return response !== undefined
}
