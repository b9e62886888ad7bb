/** Follows the address while one goes about. */
import { useEffect, useState } from 'preact/hooks'
import { parseRoute, type Route } from './address.ts'

export function useRoute(): Route {
  const [hash, setHash] = useState(() => location.hash)
  useEffect(() => {
    const changed = () => setHash(location.hash)
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return parseRoute(hash)
}
