/**
 * Preloaded into every test file by the runner: shortly before a file that hangs is ended, it says what it waits for. What
 * is ended from outside cannot say so itself.
 */
import { openWaits } from './until.ts'

const afterMs = Number(process.env['TEST_LAST_WORD_MS'])
const isTestFile = process.env['NODE_TEST_CONTEXT'] !== undefined

if (isTestFile && afterMs > 0) setTimeout(() => process.stderr.write(lastWord()), afterMs).unref()

function lastWord(): string {
  const waits = openWaits()
  const open = [...new Set(process.getActiveResourcesInfo())].join(', ')
  const lines = waits.length > 0 ? waits : ['nothing that `until` or `within` knows of']
  return `\n${process.argv[1]} still runs after ${afterMs / 1000} s. It waits for:\n  ${lines.join('\n  ')}\n  open: ${open}\n`
}
