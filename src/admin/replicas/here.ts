/** Where sessions of this process live. */
export interface Here {
  /** The name of this replica; `null`: it shares its state with no other. */
  readonly replica: string | null
  /** The number of this worker; `null`: there is one process only. */
  readonly worker: number | null
}
