/** Where a login may lead back to: a path of this very host, and nothing that any browser could take for another one. */

const MAX_LENGTH = 2048
/** A slash that is not followed by another one, in any disguise; nothing but printable ASCII; no backslash anywhere. */
const RELATIVE_PATH = /^\/(?![/\\]|%2f|%5c)[\x21-\x5b\x5d-\x7e]*$/i

/** The absolute address for `returnTo`; undefined where it is no relative path. */
export function returnAddress(returnTo: string, publicUrl: string): string | undefined {
  if (!isReturnPath(returnTo)) return undefined
  const { origin } = new URL(publicUrl)
  const url = new URL(returnTo, origin)
  // Dots are gone by now: what they hid may be two slashes at the start, which are harmless in an absolute address only.
  return url.origin === origin ? url.href : undefined
}

/** Whether it is a path of one host, whichever that is. */
export function isReturnPath(path: string): boolean {
  return path.length <= MAX_LENGTH && RELATIVE_PATH.test(path)
}
