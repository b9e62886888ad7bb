/** The help of every command as Markdown, for docs/command-line.md. */
import { allCommands } from './commands.ts'
import { helpOf } from './help.ts'

/** A heading and its help for each command. */
export async function commandReference(): Promise<string> {
  const commands = await allCommands()
  return commands.map((command) => `## ${command.name}\n\n\`\`\`\n${helpOf(command)}\n\`\`\``).join('\n\n')
}
