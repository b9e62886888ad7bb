/** Guesses of passwords, by user and network. */

/** Whether a guess may be made, or when the next one may. */
export type AttemptAllowance =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly retryAfterSeconds: number }

export interface Attempts {
  /** Whether a guess would have to wait now. Counts nothing. */
  peek(user: string, address: string): Promise<AttemptAllowance>
  /** Counts a guess before it is made, so that many at once count as many. One that has to wait does not count. */
  begin(user: string, address: string): Promise<AttemptAllowance>
  /** The guess was right: forgets all guesses of this user from this network. */
  succeeded(user: string, address: string): Promise<void>
  /** The guess was not made after all: it does not count. */
  withdrawn(user: string, address: string): Promise<void>
}
