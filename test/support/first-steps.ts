/** What docs/getting-started.md has its reader write and run: files by name, and the lines for `rabbitmqctl`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const page = readFileSync(join(import.meta.dirname, '../../docs/getting-started.md'), 'utf8')

/** The blocks below comments such as `<!-- file: examples/page/page.js -->`, by that name. */
export const FIRST_STEPS: ReadonlyMap<string, string> = new Map(
  [...page.matchAll(/^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$/gms)].map(([, name = '', text = '']) => [name, text]),
)

/** The arguments of each `sudo rabbitmqctl …` that adds or permits a user; `"$(cat FILE)"` is what `secret` says of FILE. */
export function rabbitmqctlLines(secret: (file: string) => string): readonly (readonly string[])[] {
  return [...page.matchAll(/^sudo rabbitmqctl ((?:add_user|set_permissions) .*)$/gm)].map(([, line = '']) =>
    [...line.matchAll(/"\$\(cat ([^)]+)\)"|'([^']*)'|(\S+)/g)].map(([, file, quoted, plain]) =>
      file === undefined ? (quoted ?? plain ?? '') : secret(file),
    ),
  )
}
