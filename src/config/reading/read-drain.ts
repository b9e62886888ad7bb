/** What a program asks for when it drains a gateway. */
import { type DrainOrder, drainOrder } from '../schema/drain.ts'
import { ConfigError, formatPath } from './problems.ts'

/** @throws {ConfigError} with every mistake */
export function readDrain(options: unknown): DrainOrder {
  const result = drainOrder.safeParse(options)
  if (result.success) return result.data
  throw new ConfigError(
    result.error.issues.map(({ path, message }) => ({ path: formatPath(path.map(String)), message })),
  )
}
