/**
 * One spelling for all that readers of a message may take for the same header name.
 *
 * RabbitMQ compares names byte by byte, consumers do as their language does: lower case (JavaScript, Go), upper case (.NET),
 * one after the other (Java), the Turkish rules for i where the machine is set to them, NFKC, without accents (databases),
 * without blanks around or controls within (parsers of many kinds).
 */

/** Names of these alone have one spelling but for case. */
const PLAIN = /^[!-~]*$/

/** Accents, controls, blanks, soft hyphens, joiners, what nobody has assigned: somebody drops each of them. [UAX #44] */
const DROPPED = /[\p{M}\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu

/** Hyphens and minus, which conversions to 8-bit character sets make one of. */
const DASHES = /[\p{Pd}\u2212]/gu

/** Of the basic plane only, which bounds it; what else folds to a letter of a name is rare, and most of it is dropped. */
const remembered = new Map<string, string>()

/**
 * The name folded, or its beginning as soon as that is longer than `longest`: no more than that is compared, and a client may
 * send long names by the thousand.
 */
export function foldedName(name: string, longest: number): string {
  if (PLAIN.test(name)) return name.toLowerCase()
  let folded = ''
  for (const character of name) {
    folded += remembered.get(character) ?? remember(character)
    if (folded.length > longest) break
  }
  return folded
}

function remember(character: string): string {
  const folded = foldedCharacter(character)
  if (character.length === 1) remembered.set(character, folded)
  return folded
}

/** The same for one character, so that most of what is dropped is dropped at once. */
const IS_DROPPED = new RegExp(`^${DROPPED.source}$`, 'u')

/** What one character becomes depends on no other. [Unicode §3.13, D145 and D146; UAX #15] */
function foldedCharacter(character: string): string {
  if (IS_DROPPED.test(character)) return ''
  // Upper case first: ı, ſ and ß have no lower case of their own. It may bring what has to be taken apart again.
  return decomposed(decomposed(character).toUpperCase().toLowerCase())
}

function decomposed(text: string): string {
  return text.normalize('NFKD').replace(DROPPED, '').replace(DASHES, '-')
}
