/** The modules that a foreign strategy is made of; no types of Passport, which users of the package do not have. */

export interface StrategyParts {
  /** A package's name or a module's path, as `load` understands it. */
  readonly module: string
  /** The export that is the strategy's class. */
  readonly export: string
  /**
   * The constructor's arguments before the verify function: one, or a list of them, or the path of a module whose default
   * export they are, or a function that gives them. Where absent there are none.
   */
  readonly options?: string | Readonly<Record<string, unknown>> | readonly unknown[] | undefined
  /** A module whose default export is the verify function; some strategies need none. */
  readonly verify?: string | undefined
}

/** Imports a module by a package's name or an absolute path. */
export type Load = (module: string) => Promise<unknown>
