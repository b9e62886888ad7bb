/** What a policy is compiled from: the shape of a service's `permissions`, as plain data. Nothing is decided here. */
import type { Match } from '../promotion/conditions/match.ts'

/** A rule for queue names, or for exchange names and, under `write` and `read`, the keys used with them. */
export type GrantInput =
  | { readonly queue: string }
  | { readonly exchange: string; readonly routingKey?: string | undefined }

/** What values an argument may have: any, or what all of the given bounds allow. */
export type ArgumentInput =
  | true
  | {
      readonly min?: number | undefined
      readonly max?: number | undefined
      readonly values?: readonly (string | number | boolean)[] | undefined
      /** Adds `max` where a declaration does not have the argument. */
      readonly inject?: boolean | undefined
    }

/** One entry of `permissions`. */
export interface PermissionInput {
  /** Whom it is for: `for`, compiled by the same matcher as promotion's `when`. */
  readonly match: Match
  readonly configure: readonly GrantInput[]
  readonly write: readonly GrantInput[]
  readonly read: readonly GrantInput[]
  readonly arguments?: Readonly<Record<string, ArgumentInput>> | undefined
}
