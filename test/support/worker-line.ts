/** The line between a primary and a worker, both ends in this process: what one says the other gets as JSON, a turn later. */
import { EventEmitter } from 'node:events'
import { type Handed, type LineEnd, ProcessLine } from '../../src/workers/process-line.ts'

class End extends EventEmitter implements LineEnd {
  connected = true
  other: End | undefined

  send(message: unknown, handle: unknown, sent: (error: Error | null) => void): void {
    const text = JSON.stringify(message)
    setImmediate(() => {
      if (!this.connected) return sent(new Error('the line is cut'))
      this.other?.emit('message', JSON.parse(text), handle)
      sent(null)
    })
  }
}

export interface WorkerLine {
  readonly primary: ProcessLine
  readonly worker: ProcessLine
  /** As when either process ends. */
  cut(): void
}

export function workerLine(handed?: Handed): WorkerLine {
  const [one, other] = [new End(), new End()]
  one.other = other
  other.other = one
  return {
    primary: new ProcessLine(one),
    worker: new ProcessLine(other, handed),
    cut() {
      for (const end of [one, other]) {
        end.connected = false
        end.emit('disconnect')
      }
    },
  }
}
