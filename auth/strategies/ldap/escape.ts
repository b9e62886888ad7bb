/** Values that become a part of what is sent to a directory: always data, never syntax. */

/**
 * For filters and for the value in a distinguished name: every character of ASCII but letters, digits and a few marks as
 * `\XX`, so that none of `* ( ) \ NUL` is left, nor a comma, a plus, or a space at the end. [RFC 4515 §3, RFC 4514 §2.4]
 */
export function escapedValue(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_.@\u0080-\u{10ffff}-]/gu, (character) => {
    return `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/**
 * Whether a name is written in the one way in which it counts. Directories pass over spaces, forms and invisible characters
 * [RFC 4518 §2]: each way of writing would be another name to guess for.
 */
export function isPlainName(name: string): boolean {
  return name === name.normalize('NFKC') && !/[\p{C}\p{DI}]|^\s|\s$|\s\s/u.test(name)
}

/** Fills in what stands between braces. */
export function filledIn(template: string, name: 'user' | 'dn', value: string): string {
  return template.replaceAll(`{${name}}`, () => value)
}

/** The attribute that is compared with the name somebody typed: `uid` of `(&(objectClass=person)(uid={user}))`. */
export function userAttribute(text: string): string | undefined {
  return /(?:^|[(,])([A-Za-z][A-Za-z0-9-]*)=\{user\}/.exec(text)?.[1]
}
