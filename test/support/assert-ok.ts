/**
 * Gives `assert.ok` a message where it has none. Before Node.js 24 it looks for one in the source, by the position in what
 * tsx made of it (one long line), parsing on and on: minutes in a file of some length, for a message that is wrong.
 */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'

const SEARCHES_WELL = 24

if (Number.parseInt(process.versions.node, 10) < SEARCHES_WELL) {
  const { ok } = assert
  const told = (value: unknown, message?: string | Error) =>
    ok(value, message ?? `expected something truthy, got ${inspect(value)}`)
  Object.assign(assert, { ok: told })
}
