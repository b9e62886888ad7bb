/** A command that prints a token: an identity tool of the machine's. It runs when a token is needed, and before one ends. */
import { spawn } from 'node:child_process'
import { LoginFailed } from './login.ts'
import type { BearerSource } from './token.ts'
import { bearer } from './token-life.ts'

const DEADLINE_MS = 30_000
const LARGEST_BYTES = 64 * 1024

/** @param command as a shell reads it; what it complains of goes to standard error */
export function tokenCommand(command: string): BearerSource {
  return { kind: 'token command', pollMs: undefined, read: async () => bearer(await printed(command)) }
}

async function printed(command: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    // A group of its own, so that what the shell started ends with it.
    const isUnix = process.platform !== 'win32'
    const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'inherit'], detached: isUnix })
    let output = ''
    const end = () => {
      if (child.pid === undefined) return
      try {
        if (isUnix) process.kill(-child.pid, 'SIGKILL')
        else child.kill()
      } catch {
        // It has ended by itself.
      }
    }
    const fail = (message: string, cause?: unknown) => {
      clearTimeout(timer)
      end()
      reject(new LoginFailed(`the token command ${message}`, { cause }))
    }
    const timer = setTimeout(() => fail(`said nothing within ${DEADLINE_MS / 1000} s`), DEADLINE_MS)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.length > LARGEST_BYTES) fail(`printed more than ${LARGEST_BYTES} bytes`)
    })
    child.on('error', (error) => fail(`cannot run: ${error.message}`, error))
    child.on('close', (code) => {
      const token = output.trim()
      if (code !== 0) return fail(`ended with ${code ?? 'a signal'}`)
      if (token === '') return fail('printed nothing')
      clearTimeout(timer)
      resolve(token)
    })
  })
}
