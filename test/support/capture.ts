/** Every packet that passes a network, as tcpdump reads it off the wire. Needs root. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { debianCommand } from './debian-package.ts'
import type { Place } from './namespaces.ts'
import { within } from './until.ts'

export class Capture {
  readonly #file: string
  readonly #child: ChildProcess

  /**
   * Resolves when packets are taken down.
   * @param file new, for what is captured
   * @param hosts addresses; what passes between others is left out
   */
  static async begin(place: Place, file: string, hosts: readonly string[]): Promise<Capture> {
    await debianCommand('tcpdump', 'tcpdump')
    const filter = hosts.map((host) => `host ${host}`).join(' or ')
    const options = ['-i', 'any', '-n', '-s', '0', '-B', '16384', '-Z', 'root', '--immediate-mode', '-U', '-w', file]
    const [program = '', ...rest] = [...place.through, 'tcpdump', ...options, filter]
    const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    const listening = new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('listening on')) resolve()
      })
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`tcpdump ended: ${said}`)))
    })
    await within(listening, 'a capture that runs')
    return new Capture(file, child)
  }

  private constructor(file: string, child: ChildProcess) {
    this.#file = file
    this.#child = child
  }

  /** Ends it, and returns all packets (pcap). */
  async end(): Promise<Buffer> {
    this.stop()
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await within(once(this.#child, 'exit'), 'the end of the capture')
    return await readFile(this.#file)
  }

  stop(): void {
    this.#child.kill('SIGINT')
  }
}
