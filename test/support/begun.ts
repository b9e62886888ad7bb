/**
 * Preloaded into every test file by the runner: writes down that a test of it has begun, at once, as a test that blocks its
 * process reports nothing any more.
 */
import { appendFileSync } from 'node:fs'
import { beforeEach } from 'node:test'

const list = process.env['TEST_BEGUN_LIST']
let isListed = false

if (process.env['NODE_TEST_CONTEXT'] !== undefined && list !== undefined) {
  beforeEach(() => {
    if (!isListed) appendFileSync(list, `${process.argv[1]}\n`)
    isListed = true
  })
}
