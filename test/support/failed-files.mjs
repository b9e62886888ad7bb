/**
 * A reporter beside the one that people read: a JSON array of the test files in which something failed, or that were ended
 * at the time limit.
 *
 * No TypeScript: node:test loads reporters before what it is told to import.
 */

/** @param {AsyncIterable<import('node:test/reporters').TestEvent>} events */
export default async function* failedFiles(events) {
  const files = new Set()
  for await (const { type, data } of events) if (type === 'test:fail') files.add(data.file ?? '(unknown)')
  yield JSON.stringify([...files])
}
