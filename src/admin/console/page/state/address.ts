/** Where in the console one is: the part of the address behind `#`, so that a link to a session is a link. */

export interface Route {
  /** `now`, `sessions`, … */
  readonly page: string
  /** The rest of the path, decoded; empty where there is none. */
  readonly id: string
  readonly query: URLSearchParams
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [page = '', id = ''] = path.split('/', 2)
  return { page: page === '' ? 'now' : page, id: decoded(id), query: new URLSearchParams(query) }
}

export function linkTo(page: string, id = '', query = new URLSearchParams()): string {
  const rest = query.size === 0 ? '' : `?${query}`
  return `#/${page}${id === '' ? '' : `/${encodeURIComponent(id)}`}${rest}`
}

/** An address that somebody mistyped is shown as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
