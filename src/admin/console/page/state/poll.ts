/** Asks a route again and again, while somebody looks. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { useConsole } from './console-context.ts'

export interface Polled<T> {
  readonly data: T | undefined
  /** Why the last answer is missing; the one before is still in `data`. */
  readonly error: unknown
  refresh(): void
}

/** @param path `undefined`: nothing to ask for now */
export function usePoll<T>(path: string | undefined, everyMs: number): Polled<T> {
  const { client } = useConsole()
  const [state, setState] = useState<{ path?: string | undefined; data?: T | undefined; error?: unknown }>({})
  const ask = useRef<() => void>(() => undefined)

  useEffect(() => {
    if (path === undefined) return
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const run = async () => {
      clearTimeout(timer)
      try {
        const data = await client.get<T>(path, stop.signal)
        if (!stop.signal.aborted) setState({ path, data })
      } catch (error) {
        if (!stop.signal.aborted)
          setState((before) => ({ path, error, data: before.path === path ? before.data : undefined }))
      }
      if (!stop.signal.aborted) timer = setTimeout(() => void run(), everyMs)
    }
    ask.current = () => void run()
    void run()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [client, path, everyMs])

  const isCurrent = state.path === path
  return {
    data: isCurrent ? state.data : undefined,
    error: isCurrent ? state.error : undefined,
    refresh: useCallback(() => ask.current(), []),
  }
}
