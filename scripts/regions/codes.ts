/** Reply codes and WebSocket close codes, from the faults' tables. */
import { CLOSE_CODES, HARD_CODES, SOFT_CODES } from '../../proxy/faults.ts'
import { markdownTable } from '../generated-regions.ts'

/** AMQP's reply codes: by name, and whether they end a channel or the connection. */
export function replyCodeTable(): string {
  const rows = [
    ...Object.entries(SOFT_CODES).map(([name, code]) => ({ name, code, ends: 'the channel' })),
    ...Object.entries(HARD_CODES).map(([name, code]) => ({ name, code, ends: 'the connection' })),
  ].sort((a, b) => a.code - b.code)
  return markdownTable(
    ['reply code', 'name', 'ends'],
    rows.map(({ name, code, ends }) => [String(code), `\`${name}\``, ends]),
  )
}

/** The close codes the gateway uses on the WebSocket. */
export function closeCodeTable(): string {
  const rows = Object.entries(CLOSE_CODES).map(([name, code]) => [
    String(code),
    name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
  ])
  return markdownTable(['close code', 'meaning'], rows)
}
