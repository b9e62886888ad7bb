/** What help says: about all commands, and about one. */
import type { Command } from './command.ts'

export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2
  return [
    'Gatehouse lets web applications speak AMQP 0-9-1 to RabbitMQ over WebSocket, as who they really are.',
    '',
    'Usage: gatehouse COMMAND [OPTIONS]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    '',
    '  --version, -v     Print the version.',
    '  help COMMAND      Say more about one command.',
    '',
    'Exit codes: 0 done, 1 failed, 64 wrong command line, 77 not allowed, 78 wrong configuration.',
  ].join('\n')
}

export function helpOf({ summary, usage, help }: Command): string {
  const forms = usage.map((form, index) => `${index === 0 ? 'Usage: ' : '       '}gatehouse ${form}`)
  return [summary, '', ...forms, '', help].join('\n')
}
