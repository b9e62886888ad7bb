/**
 * What real clients send in one whole session, byte by byte: `fixtures/transcripts/*.hex`. The first line is `# ` and JSON
 * that says who it was and what it claimed to be; the others are hex.
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface ClientTranscript {
  /** Product and version. */
  readonly client: string
  readonly username: string
  readonly password: string
  readonly vhost: string
  readonly bytes: Buffer
}

export const TRANSCRIPTS = new URL('../../fixtures/transcripts/', import.meta.url)

/** All of them. */
export function transcripts(): ClientTranscript[] {
  return readdirSync(TRANSCRIPTS)
    .filter((name) => name.endsWith('.hex'))
    .sort()
    .map((name) => {
      const [first = '', ...lines] = readFileSync(new URL(name, TRANSCRIPTS), 'utf8').split('\n')
      const says = JSON.parse(first.slice(2)) as Omit<ClientTranscript, 'bytes'>
      return { ...says, bytes: Buffer.from(lines.join(''), 'hex') }
    })
}

/** The text of such a file. */
export function transcriptText({ bytes, ...says }: ClientTranscript): string {
  const lines = bytes.toString('hex').match(/.{1,100}/g) ?? []
  return `# ${JSON.stringify(says)}\n${lines.join('\n')}\n`
}
