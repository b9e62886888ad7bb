/**
 * The program of a worker process: `gatehouse serve` starts it with `workers`. Its primary alone says what it does, and it ends
 * with that.
 */
import { StandardOutput } from '../ops/standard-output.ts'
import { type LineEnd, ProcessLine } from './process-line.ts'
import { HandedConnections } from './worker/connections.ts'
import { serveAsWorker } from './worker/serve.ts'

if (process.send === undefined) {
  process.stderr.write('gatehouse: this is a part of `gatehouse serve`, and no command\n')
  process.exit(64)
}

// A terminal and a supervisor send these to all processes; the primary acts on them. At SIGUSR1 Node would open its inspector.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => {})

const send = process.send.bind(process)
const end: LineEnd = {
  get connected() {
    return process.connected
  },
  send: (message, handle, sent) => send(message, handle, undefined, sent),
  on: (event: string, listener: (...args: never[]) => void) => process.on(event, listener as () => void),
}
// Nobody is left who could say what to do.
process.on('disconnect', () => process.exit(1))

const connections = new HandedConnections()
serveAsWorker(new ProcessLine(end, (socket, said) => connections.take(socket, said)), connections, () => {
  void StandardOutput.current.flush().then(() => process.exit(0))
})
