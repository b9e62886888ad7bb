/** What every page has at hand. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Client } from '../api/client.ts'
import { type Me, ROLES, type Role } from '../api/shapes.ts'
import type { Watch } from './watch.ts'

export interface ConsoleContext {
  readonly client: Client
  readonly me: Me
  readonly watch: Watch
  /** Shows a sentence for a while, and has it read out. */
  say(text: string): void
}

export const Context = createContext<ConsoleContext | undefined>(undefined)

export function useConsole(): ConsoleContext {
  const context = useContext(Context)
  if (context === undefined) throw new Error('outside of the console')
  return context
}

/** Whether the caller's role does what another is needed for. */
export function useMay(needed: Role): boolean {
  return ROLES.indexOf(useConsole().me.role) >= ROLES.indexOf(needed)
}
