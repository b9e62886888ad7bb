/** `gatehouse schema`: the configuration's JSON Schema, for editors. */
import { configJsonSchema } from '../config/schema/json-schema.ts'
import type { Command } from './command.ts'
import { EXIT } from './exit.ts'
import { parseOptions } from './options.ts'
import { say } from './terminal.ts'

export const schema: Command = {
  name: 'schema',
  summary: "Print the configuration's JSON Schema, for editors.",
  usage: ['schema > gatehouse.schema.json'],
  help: `An editor that knows YAML uses it through a first line such as
  # yaml-language-server: $schema=gatehouse.schema.json`,
  async run(args, terminal) {
    parseOptions(args, { command: 'schema', options: {} })
    say(terminal, JSON.stringify(configJsonSchema(), null, 2))
    return EXIT.ok
  },
}
