/**
 * The guessers of `logins.ts`, in a process of their own so that whoever measures does not wait for them: so many wrong
 * passwords a second, of many users from 65,536 addresses, whatever becomes of them. Prints statuses and their numbers.
 */
import { Agent } from 'node:http'
import { login } from './login.ts'

const [port = 0, rate = 0, seconds = 0, users = 1] = process.argv.slice(2).map(Number)
const TICK_MS = 20
const agent = new Agent({ keepAlive: true, maxSockets: 500 })
const statuses: Record<number, number> = {}
const pending: Promise<void>[] = []
const startedMs = performance.now()

for (let guessed = 0; performance.now() - startedMs < seconds * 1000; ) {
  const due = ((performance.now() - startedMs) / 1000) * rate
  for (; guessed < due; guessed++) {
    const address = `198.51.${(guessed >> 8) % 256}.${guessed % 256}`
    const guess = { port, user: `user${guessed % users}`, password: `guess${guessed}`, address, agent }
    pending.push(
      login(guess).then((status) => {
        statuses[status] = (statuses[status] ?? 0) + 1
      }),
    )
  }
  await new Promise((resolve) => setTimeout(resolve, TICK_MS))
}
await Promise.all(pending)
agent.destroy()
console.log(JSON.stringify(statuses))
