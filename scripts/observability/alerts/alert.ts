/** An alert with its runbook, and with what shows that it fires and that it does not. */

/** What Prometheus scrapes in a test of rules, and when it looks. */
export interface Scene {
  /** Series → values, one a minute, in the notation of `promtool test rules`. */
  readonly series: Readonly<Record<string, string>>
  readonly at: `${number}m`
}

export interface Alert {
  readonly name: `Gatehouse${string}`
  /** `critical`: somebody is without service, or a record is lost. `warning`: it can wait until morning. */
  readonly severity: 'critical' | 'warning'
  readonly expr: string
  /** For how long it must be so. */
  readonly holds: `${number}m`
  /** What is seen; may hold `{{ $labels.NAME }}`. */
  readonly seen: string
  readonly toDo: string
  /** A page of this repository, with or without a heading. */
  readonly page: `docs/${string}`
  /** @see Scene */
  readonly fires: Scene & {
    /** Labels of the alert, beside its severity. */
    readonly labels: Readonly<Record<string, string>>
  }
  readonly quiet: Scene
}
