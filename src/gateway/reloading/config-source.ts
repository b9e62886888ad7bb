/** Where a gateway reads its configuration again: in its file, where it has one, else in what the program handed over. */
import type { Environment } from '../../config/environment.ts'
import { type LoadedConfig, loadConfig, type ParseOptions, parseConfig } from '../../config/reading/load.ts'
import type { Config, ConfigInput } from '../../config/schema/schema.ts'

interface Place {
  readonly env?: Environment
  readonly file?: string
  readonly folder?: string
}

export class ConfigSource {
  readonly #place: Place
  #input: ConfigInput | Config

  /** @param input what it was started with */
  constructor(input: ConfigInput | Config, place: Place) {
    this.#input = input
    this.#place = place
  }

  get hasFile(): boolean {
    return this.#place.file !== undefined
  }

  /**
   * @param text of a candidate, in place of all else
   * @param more further mistakes, of what is read from text
   * @throws {ConfigError}
   */
  read(text: string | undefined, more: ParseOptions['more']): LoadedConfig {
    const { env = process.env, file, folder } = this.#place
    if (text !== undefined) return parseConfig(text, { env, file, folder, more })
    if (file !== undefined) return loadConfig(file, env, { more })
    return parseConfig(this.#input, { env, folder })
  }

  /** Does something with another input, which stays where that succeeds and is no trial. */
  async with<T>(input: ConfigInput | undefined, isTrial: boolean, work: () => Promise<T>): Promise<T> {
    const before = this.#input
    if (input !== undefined) this.#input = input
    let isDone = false
    try {
      const result = await work()
      isDone = true
      return result
    } finally {
      if (isTrial || !isDone) this.#input = before
    }
  }
}
