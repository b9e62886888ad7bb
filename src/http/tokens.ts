/**
 * The elements of a list such as `Connection` or `Upgrade` holds, in lower case. Proxies append to lists, and what they take
 * out may leave empty elements behind, which count for nothing. [RFC 9110 §5.6.1.2]
 */
export function listOf(value = ''): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '')
}
