/** The gateway's live events while somebody looks, the last one first; connects again when the gateway ends the stream. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { EventParser, type LiveEvent } from '../api/event-stream.ts'
import { useConsole } from './console-context.ts'

export interface SeenEvent extends LiveEvent {
  /** Of the page, from 1. */
  readonly count: number
}

const MOST = 500
/** So that a storm of events is drawn four times a second, not once for each. */
const DRAW_MS = 250
const AGAIN_MS = 2_000

/** How a stream ends that goes on with the next one. */
const LAST_WORDS = new Set(['ended', 'dropped'])

export function useLiveEvents(isPaused: boolean) {
  const { client } = useConsole()
  const [events, setEvents] = useState<readonly SeenEvent[]>([])
  const [error, setError] = useState<unknown>()
  const paused = useRef(isPaused)
  paused.current = isPaused

  useEffect(() => {
    const stop = new AbortController()
    let waiting: SeenEvent[] = []
    let seen = 0
    const take = (found: readonly LiveEvent[]) => {
      for (const one of found) if (!LAST_WORDS.has(one.event)) waiting.unshift({ ...one, count: ++seen })
      waiting.length = Math.min(waiting.length, MOST)
    }
    const drawing = setInterval(() => {
      if (paused.current || waiting.length === 0) return
      const more = waiting
      waiting = []
      setEvents((before) => [...more, ...before].slice(0, MOST))
    }, DRAW_MS)
    const follow = async () => {
      while (!stop.signal.aborted) {
        try {
          const body = await client.stream('events', stop.signal)
          setError(undefined)
          const parser = new EventParser()
          for await (const text of body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>))
            take(parser.push(text))
        } catch (failure) {
          if (!stop.signal.aborted) setError(failure)
        }
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
    void follow()
    return () => {
      stop.abort()
      clearInterval(drawing)
    }
  }, [client])

  return { events, error }
}
