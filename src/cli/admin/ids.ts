/** The ID that a command is about. */
import { UsageError } from '../exit.ts'

/** @throws UsageError where there is none, and for what no ID can be, such as a name: the gateway would know no such address */
export function idOf(word: string | undefined, command: string, { of, list }: { of: string; list: string }): string {
  const hint = `\`gatehouse ${list}\` lists them`
  if (word === undefined) throw new UsageError(`${command} needs the ID of a ${of}: ${hint}`, { command })
  if (!/^[A-Za-z0-9-]{1,64}$/.test(word))
    throw new UsageError(`${JSON.stringify(word)} is no ID of a ${of}: ${hint}`, { command })
  return word
}
