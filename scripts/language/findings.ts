/** Which sentences of a page are hard to read: those that are too long, and those with a word that has a plainer one. */
import { type Sentence, sentencesOf } from './prose.ts'

/** Longer sentences have more than one thought. 25 words are the aim; above this many a sentence is counted. */
export const MAXIMUM_WORDS = 30

/** Words and turns that readers who did not grow up with English stumble over, and what says the same. */
const AVOIDED: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\b(?:hears?|heard)\b/gi, instead: 'receives, gets' },
  { pattern: /\b(?:is|are|was|were|be|been|being) told\b/gi, instead: 'gets, sees; or name who says it' },
  { pattern: /\bcomes\b/gi, instead: 'arrives' },
  { pattern: /\banew\b/gi, instead: 'again' },
  { pattern: /\b(?:there|here|where)(?:by|in|upon|from)\b/gi, instead: 'name the thing' },
  { pattern: /\bwho (?:has|have)\b/gi, instead: 'name the actor: a user with …' },
  { pattern: /\b(?:whoever|whosever)\b/gi, instead: 'name the actor' },
  { pattern: /\bno good\b/gi, instead: 'invalid' },
  { pattern: /\bfor ever\b/gi, instead: 'forever; or name the bound' },
  { pattern: /\bof one's own\b/gi, instead: 'your own' },
  { pattern: /\bbut for\b/gi, instead: 'except' },
  { pattern: /\bas ever\b/gi, instead: 'as before' },
  { pattern: /\bmeanwhile\b/gi, instead: 'name the time: until then, during …' },
  { pattern: /\bis good for\b/gi, instead: 'is valid for' },
]
const NOUN_CLAUSE = /^["“(]*(?:what|who)(?:ever)?\b/i

export interface Finding {
  readonly line: number
  readonly kind: 'long' | 'word'
  /** What is wrong, with what to write instead. */
  readonly why: string
  readonly text: string
}

/** Everything counted in a page, in the order of the page. */
export function findingsIn(page: string): Finding[] {
  return sentencesOf(page).flatMap(findingsOf)
}

function findingsOf({ line, text, isHeading }: Sentence): Finding[] {
  const findings: Finding[] = []
  const words = text.split(' ').filter((word) => /[\p{L}\p{N}]/u.test(word)).length
  if (words > MAXIMUM_WORDS) findings.push({ line, kind: 'long', why: `${words} words`, text })
  if (!isHeading && words > 2 && NOUN_CLAUSE.test(text) && !text.endsWith('?')) {
    findings.push({ line, kind: 'word', why: 'begins with a clause as a noun: name the actor', text })
  }
  for (const { pattern, instead } of AVOIDED) {
    for (const [found] of text.matchAll(pattern)) {
      findings.push({ line, kind: 'word', why: `"${found}": ${instead}`, text })
    }
  }
  return findings
}

/** How many of each kind a page has. */
export interface Count {
  readonly long: number
  readonly word: number
}

export function countOf(findings: readonly Finding[]): Count {
  const long = findings.filter(({ kind }) => kind === 'long').length
  return { long, word: findings.length - long }
}
