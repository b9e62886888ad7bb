/** The next configuration, compiled and with all that it needs opened, in every process of the gateway. */
import type { AdminServer } from '../../admin/server.ts'
import type { Config } from '../../config/schema/schema.ts'
import type { Crew, JudgedElsewhere } from '../crew/crew.ts'
import { type Compiling, compileGeneration, type Generation } from '../generation.ts'
import { type Listeners, listenerOptions } from '../listening/listeners.ts'

interface NextParts {
  readonly before: Generation
  readonly compiling: Omit<Compiling, 'number' | 'before'>
  readonly listeners: Listeners
  /** Absent: there is none. */
  readonly admin: AdminServer | undefined
  readonly crew: Crew | undefined
}

/** What comes of the exchange. */
interface Exchanged {
  /** The keys of people who lost their proof by it. */
  readonly lost: readonly string[]
  /** Resolves when the sessions of other processes have followed. */
  readonly followed: Promise<void>
}

/** Either function is called, once. */
export interface PreparedNext {
  readonly generation: Generation
  /** What it means for sessions of other processes. */
  readonly elsewhere: JudgedElsewhere | undefined
  /** Puts it in the place of the present one; cannot fail. */
  exchange(): Exchanged
  abandon(): void
}

/** @throws {ConfigError, InvalidConfiguration, Error} and then nothing has changed */
export async function prepareNext(config: Config, parts: NextParts): Promise<PreparedNext> {
  const { before, compiling, listeners, admin, crew } = parts
  const compiled = await compileGeneration(config, { ...compiling, number: before.number + 1, before })
  const undo = [() => compiled.abandon()]
  const abandon = (): void => {
    for (const one of undo) one()
  }
  try {
    const changeAdmin = config.admin === undefined ? undefined : admin?.change(config.admin)
    // Before a new port is open here, all have what is behind it.
    const elsewhere = await crew?.prepare(config)
    if (elsewhere !== undefined) undo.push(() => elsewhere.abandon())
    const plan = await listeners.plan(listenerOptions(config))
    undo.push(() => plan.abandon())
    return {
      generation: compiled.generation,
      elsewhere: elsewhere?.judged,
      exchange() {
        const followed = elsewhere?.apply() ?? Promise.resolve()
        plan.apply()
        changeAdmin?.()
        return { lost: compiled.comesIntoForce(), followed }
      },
      abandon,
    }
  } catch (error) {
    abandon()
    throw error
  }
}
