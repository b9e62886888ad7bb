/** Reads server-sent events; the browser's own reader cannot send a credential. [HTML §9.2.6] */

export interface LiveEvent {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

/** More than this without an empty line is no event of ours. */
const LONGEST = 1024 * 1024

export class EventParser {
  #rest = ''

  /** @returns events that are whole now */
  push(text: string): readonly LiveEvent[] {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = (blocks.pop() ?? '').slice(-LONGEST)
    return blocks.flatMap((block) => eventIn(block) ?? [])
  }
}

/** Undefined: a comment, or something that is no event of the gateway. */
function eventIn(block: string): LiveEvent | undefined {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart())
  }
  const [event, data] = [fields.get('event'), fields.get('data')]
  if (event === undefined || data === undefined) return undefined
  try {
    return { event, data: JSON.parse(data) as LiveEvent['data'] }
  } catch {
    return undefined
  }
}
