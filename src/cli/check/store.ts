/** `gatehouse check`: the store that gateways share. */
import type { SecretSources } from '../../../auth/index.ts'
import type { Config } from '../../config/schema/schema.ts'
import { readState } from '../../state/access.ts'
import { type MakeStoreClient, type StoreAccess, storeClients } from '../../state/client.ts'
import { StoreKeys } from '../../state/keys.ts'
import { startProblem, storeProblemOf } from '../../state/start-check.ts'
import { wordsOf } from '../../state/store.ts'
import { say, type Terminal } from '../terminal.ts'

export interface CheckedStore {
  readonly access: StoreAccess
  readonly make: MakeStoreClient
  readonly key: string
}

/** Reads everything that the start needs of it, the package included; asks nobody. @throws {ConfigError} */
export async function storeOf(
  { state }: Pick<Config, 'state'>,
  sources: SecretSources,
): Promise<CheckedStore | undefined> {
  if (state === undefined) return undefined
  const { access } = await readState(state, sources)
  const make = await storeClients(async (module) => await sources.load?.(module))
  return { access, make, key: new StoreKeys(state.prefix).of('probe')('check') }
}

/** Says what is wrong with it, or that nothing is. Resolves to whether it is good. */
export async function probeStore({ access, make, key }: CheckedStore, terminal: Terminal): Promise<boolean> {
  const client = make(access)
  let away: string | undefined
  client.on('error', (error) => {
    away ??= wordsOf(error)
  })
  try {
    await client.connect().catch((error: unknown) => {
      away ??= wordsOf(error)
    })
    const timeoutMs = Math.max(1_000, 4 * access.timeoutMs)
    const problem =
      away === undefined
        ? await startProblem({ client, kind: access.kind, key, timeoutMs })
        : (storeProblemOf(away) ?? away)
    say(terminal, problem === undefined ? 'store: nothing is missing' : `store: ${problem}`)
    return problem === undefined
  } finally {
    client.disconnect()
  }
}
