/** What there is to judge about the configuration of a door. */
import { checkDoor, doorWarnings } from '../checks/door.ts'
import { doorSchema } from '../schema/door.ts'
import type { Kind } from './judge.ts'
import type { Path } from './problems.ts'

const FILES: ReadonlySet<string> = new Set(['cert', 'key', 'ca'].map((name) => `inner.tls.${name}`))

export const DOOR: Kind<typeof doorSchema> = {
  schema: doorSchema,
  isFilePlace: (path: Path) => FILES.has(path.join('.')),
  inspect: ({ inner }, inspection) => inspection.tls(['inner', 'tls'], inner.tls),
  check: checkDoor,
  warnings: doorWarnings,
}
