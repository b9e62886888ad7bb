/** `gatehouse schema`: the configuration's JSON Schema, for editors. */
import { configJsonSchema, doorJsonSchema } from '../config/schema/json-schema.ts'
import type { Command } from './command.ts'
import { EXIT } from './exit.ts'
import { parseOptions } from './options.ts'
import { say } from './terminal.ts'

export const schema: Command = {
  name: 'schema',
  summary: "Print the configuration's JSON Schema, for editors.",
  usage: ['schema > gatehouse.schema.json', 'schema --door > door.schema.json'],
  help: `  --door   that of a door's configuration

An editor that knows YAML uses it through a first line such as
  # yaml-language-server: $schema=gatehouse.schema.json`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'schema', options: { door: { type: 'boolean' } } })
    say(terminal, JSON.stringify(values.door === true ? doorJsonSchema() : configJsonSchema(), null, 2))
    return EXIT.ok
  },
}
