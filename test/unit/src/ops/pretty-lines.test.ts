import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Log } from '../../../../src/ops/log.ts'
import { linesIn, PrettyLines } from '../../../../src/ops/pretty-lines.ts'

describe('the log for people', () => {
  const to = (lines: string[]) => ({ write: (line: string) => lines.push(line) })

  it('is one line of text for each event: clock, level, event, fields', () => {
    const lines: string[] = []
    const log = new Log('info', new PrettyLines(to(lines), false))
    log.write('session-ended', { subject: 'joe.smith', detail: 'a sentence', durationMs: 12 })
    log.audit({ event: 'session.opened', session: 's1' })
    const [first = '', second = ''] = lines
    assert.match(
      first,
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}session-ended {10}subject=joe\.smith detail="a sentence" durationMs=12\n$/,
    )
    assert.match(second, /AUDIT session\.opened +session=s1\n$/)
  })

  it('lets no peer move the cursor', () => {
    const lines: string[] = []
    const log = new Log('info', new PrettyLines(to(lines), false))
    log.write('session-ended', { subject: 'a\u001b[2J\nb', detail: 'x\u202ey\u009b1m', address: '\u009b' })
    const [line = ''] = lines
    assert.doesNotMatch(line.slice(0, -1), /\p{C}/u)
    assert.match(line, /\\u\{202e\}/)
    assert.match(line, /\\u\{9b\}/)
  })

  it('is for terminals only, unless it is asked for', () => {
    const own = to([])
    assert.equal(linesIn('auto', own, {}), own)
    assert.equal(linesIn('json', own, {}), own)
    assert.ok(linesIn('pretty', own, {}) instanceof PrettyLines)
  })
})
