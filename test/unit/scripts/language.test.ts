/** The language check of `npm run docs:check`: what is a sentence, which ones are counted, and that counts only fall. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countOf, findingsIn, MAXIMUM_WORDS } from '../../../scripts/language/findings.ts'
import { lowered, pagesBeyond } from '../../../scripts/language/limits.ts'
import { sentencesOf } from '../../../scripts/language/prose.ts'

const texts = (page: string): string[] => sentencesOf(page).map(({ text }) => text)
const words = (count: number): string => `${Array.from({ length: count }, () => 'word').join(' ')}.`

describe('sentencesOf', () => {
  it('separates sentences, also across lines, and knows where each begins', () => {
    const page = 'Title line\n\nThe gateway asks. It waits\nfor 1 s. Then it\ncloses (4401).\n`serve` starts.\n'

    assert.deepEqual(
      sentencesOf(page).map(({ line, text }) => [line, text]),
      [
        [1, 'Title line'],
        [3, 'The gateway asks.'],
        [3, 'It waits for 1 s.'],
        [4, 'Then it closes (4401).'],
        [6, '`code` starts.'],
      ],
    )
  })

  it('ends a sentence of an item where a line ends, too', () => {
    assert.deepEqual(
      sentencesOf('- One.\n  Two\n  goes on.\n').map(({ line, text }) => [line, text]),
      [
        [1, 'One.'],
        [2, 'Two goes on.'],
      ],
    )
  })

  it('does not end a sentence inside a name, a number or a path', () => {
    assert.deepEqual(texts('Gatehouse 0.1.0 reads docs/security.md, e.g. its tables.'), [
      'Gatehouse 0.1.0 reads docs/security.md, e.g. its tables.',
    ])
  })

  it('takes headings, items and cells for themselves', () => {
    const page = '# A heading\nText\n- one\n  goes on\n- two\n1. three\n\n| a | b \\| c |\n| --- | --- |\n| d | e |\n'

    assert.deepEqual(texts(page), ['A heading', 'Text', 'one goes on', 'two', 'three', 'a', 'b \\| c', 'd', 'e'])
    assert.deepEqual(
      sentencesOf(page).flatMap(({ isHeading, text }) => (isHeading ? [text] : [])),
      ['A heading'],
    )
  })

  it('leaves out code blocks, comments and the tables of generated regions, but not the text beside them', () => {
    const page = [
      '```sh',
      'a command that is not read',
      '```',
      '<!-- file: a.yaml -->',
      '<!-- generated:a -->',
      '',
      '| left | out |',
      '',
      'Read.',
      '<!-- /generated:a -->',
      '| read | too |',
    ]

    assert.deepEqual(texts(page.join('\n')), ['Read.', 'read', 'too'])
  })

  it('reads a link as its text and inline code as one word, where the code runs over two lines, too', () => {
    assert.deepEqual(texts('See [the **page**](a.md#b) and `a b\nc d`.\nNext.'), ['See the page and `code`.', 'Next.'])
    assert.equal(sentencesOf('See `a b\nc d`.\nNext.')[1]?.line, 3)
  })
})

describe('findingsIn', () => {
  it(`counts sentences of more than ${MAXIMUM_WORDS} words`, () => {
    assert.deepEqual(findingsIn(words(MAXIMUM_WORDS)), [])
    assert.deepEqual(
      findingsIn(words(MAXIMUM_WORDS + 1)).map(({ kind, why }) => [kind, why]),
      [['long', `${MAXIMUM_WORDS + 1} words`]],
    )
  })

  it('does not count signs as words', () => {
    assert.deepEqual(findingsIn(`a → b — ${words(MAXIMUM_WORDS - 2)}`), [])
  })

  for (const text of [
    'The client hears 429.',
    'The client is told why.',
    'A frame comes late.',
    'The body is cut anew.',
    'The queue is deleted thereby.',
    'A user who has a ticket connects.',
    'What is refused is logged.',
    'Who waits gets 429.',
    'Whatever it writes is discarded.',
  ]) {
    it(`counts: ${text}`, () => {
      assert.deepEqual(countOf(findingsIn(text)), { long: 0, word: 1 })
    })
  }

  for (const text of [
    'The client receives 429.',
    'The operator told the broker.',
    'Outcomes differ.',
    'What does the client see?',
    '## What happens to frames',
    'A user who may connect gets a cookie.',
    '| what | who |',
    'The key `comes` exists.',
  ]) {
    it(`does not count: ${text}`, () => {
      assert.deepEqual(findingsIn(text), [])
    })
  }
})

describe('limits', () => {
  const limits = { 'a.md': { long: 2, word: 3 }, 'b.md': { long: 1, word: 0 } }

  it('hold each kind of each page by itself, and none for a page that is new', () => {
    const counts = {
      'a.md': { long: 1, word: 4 },
      'b.md': { long: 1, word: 0 },
      'new.md': { long: 1, word: 0 },
      'plain.md': { long: 0, word: 0 },
    }

    assert.deepEqual(pagesBeyond(limits, counts), ['a.md', 'new.md'])
  })

  it('fall with the pages and never rise', () => {
    assert.deepEqual(lowered(limits, { 'a.md': { long: 5, word: 1 }, 'new.md': { long: 9, word: 9 } }), {
      'a.md': { long: 2, word: 1 },
    })
  })
})
