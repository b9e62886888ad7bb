/** How answers are shown: as they are, or as people read them. */
import { say, type Terminal } from '../terminal.ts'

/** @param lines for people; called unless the answer is wanted as it is */
export function show<T>(
  terminal: Terminal,
  answer: T,
  isJson: boolean | undefined,
  lines: (answer: T) => string[],
): void {
  if (isJson === true) say(terminal, JSON.stringify(answer ?? {}, undefined, 2))
  else for (const line of lines(answer)) say(terminal, line)
}
