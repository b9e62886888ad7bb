// The way to the gateway, for all components: what happens at it is a state that they share.
import { AMQPSession } from '@cloudamqp/amqp-client'
import { gatehouse } from 'amqp-gatehouse/browser'
import { useSyncExternalStore } from 'react'

let state = {}
const listeners = new Set()

function set(next) {
  state = next
  for (const listener of listeners) listener()
}

function subscribe(listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

// One gate for the page, outside of components: they appear and go, and may do so twice.
const gate = gatehouse('ws://127.0.0.1:8080/amqp', {
  credential: (again) => new Promise((answer) => set({ again, answer })),
  onstop: (error) => set({ error }),
})

/** Connects. The session connects again by itself until it is over. */
export async function begin() {
  set({})
  try {
    const session = await gate.connect((url, hooks) => AMQPSession.connect(url, hooks))
    set({ session, who: gate.who })
  } catch (error) {
    set({ error })
  }
}

/**
 * One of these: `answer`, while somebody has to log in (`again`: the last login was refused); `session` and `who`; `error`, when
 * it is over; nothing, while it connects.
 */
export const useGate = () => useSyncExternalStore(subscribe, () => state)
