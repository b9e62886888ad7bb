/** The help of every command as Markdown, for docs/command-line.md. */
import { COMMANDS } from './commands.ts'
import { helpOf } from './help.ts'

/** A heading and its help for each command. */
export function commandReference(): string {
  return COMMANDS.map((command) => `## ${command.name}\n\n\`\`\`\n${helpOf(command)}\n\`\`\``).join('\n\n')
}
