/** A listener whose port another process has: it is handed every connection. All that follows is that of any other listener. */
import type { Socket } from 'node:net'
import { Listener } from './listener.ts'

export class HandedListener extends Listener {
  #isStopped = false

  override async start(): Promise<void> {
    this.startWithoutAddress()
  }

  /** What was on its way when it stopped is turned away without a word, as at a port that is shut. */
  override take(socket: Socket): void {
    if (this.#isStopped) socket.destroy()
    else super.take(socket)
  }

  override async stop(): Promise<void> {
    this.#isStopped = true
    await super.stop()
    await this.emptied()
  }
}
