/**
 * A reporter beside the one that people read: which test files were ended at the time limit, and how much else failed.
 *
 * No TypeScript: node:test loads reporters before what it is told to import.
 */
import { resolve } from 'node:path'

/** @param {AsyncIterable<import('node:test/reporters').TestEvent>} events */
export default async function* lateFiles(events) {
  const late = []
  let others = 0
  for await (const { type, data } of events) {
    if (type !== 'test:fail') continue
    // A file is itself a test of node:test's, of which its process knows nothing.
    const isFile = data.nesting === 0 && resolve(data.name) === data.file
    if (isFile && data.details.error.failureType === 'testTimeoutFailure') late.push(data.file)
    else others++
  }
  yield JSON.stringify({ late, others })
}
