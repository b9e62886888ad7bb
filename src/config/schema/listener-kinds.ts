/** The two kinds of listeners, told apart: with an address of its own, and behind doors. */
import type { AddressListenerConfig, DoorListenerConfig, ListenerConfig } from './schema.ts'

/** Whether clients arrive through doors. */
export function isBehindDoor(listener: ListenerConfig): listener is DoorListenerConfig {
  return listener.door !== undefined
}

/** Each with an address of its own, and its place in the list. */
export function addressListeners(
  listen: readonly ListenerConfig[],
): readonly { readonly listener: AddressListenerConfig; readonly index: number }[] {
  return listen.flatMap((listener, index) => (isBehindDoor(listener) ? [] : [{ listener, index }]))
}
