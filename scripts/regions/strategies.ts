/** Which Passport strategies work, from the cases that `npm run test:strategies` tries, and their versions from its lock file. */
import { readFileSync } from 'node:fs'
import { STRATEGY_CASES } from '../../test/strategies/cases.ts'
import { markdownTable } from '../generated-regions.ts'

const LOCK = new URL('../../test/strategies/package-lock.json', import.meta.url)

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>
}

export function strategyTable(): string {
  const { packages } = JSON.parse(readFileSync(LOCK, 'utf8')) as LockFile
  const rows = STRATEGY_CASES.map((one) => {
    const version = packages[`node_modules/${one.package}`]?.version
    if (version === undefined) throw new Error(`${one.package} is not in the lock file of test/strategies`)
    const works = one.mistake === undefined ? (one.admits === undefined ? 'starts' : 'yes') : 'no'
    return [`${one.package} ${version}`, works, one.how]
  })
  return markdownTable(['package', 'works', 'how, or what to use instead'], rows)
}
