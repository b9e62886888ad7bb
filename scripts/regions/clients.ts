/** Clients' own suites, and where they go otherwise through the gateway, from the tables that `npm run test:clients` goes by. */
import { DIFFERENCES } from '../../test/clients/differences.ts'
import { FIGURES } from '../../test/clients/figures.ts'
import { type Source, SUITES } from '../../test/clients/suites.ts'
import { markdownTable } from '../generated-regions.ts'

export function clientSourceTable(): string {
  return markdownTable(
    ['client', 'source of its suite', 'Debian packages that it needs'],
    SUITES.map(({ name, source, packages }) => [
      name,
      sourceText(source),
      Object.keys(packages)
        .map((one) => `\`${one}\``)
        .join(', ') || '–',
    ]),
  )
}

/** Through the gateway everything passes that passes straight, except for what is named. */
export function clientFigureTable(): string {
  return markdownTable(
    ['client', 'tests', 'pass straight', 'pass through the gateway', 'intended differences'],
    FIGURES.map(({ client, version, tests, straight }) => {
      const named = DIFFERENCES.filter((one) => one.client === client)
      const always = named.filter(({ isRace }) => !isRace).length
      const atTimes = named.length - always
      const least = straight - named.length
      const through = atTimes === 0 ? `${least}` : `${least} to ${least + atTimes}`
      return [`${client} ${version}`, `${tests}`, `${straight}`, through, `${named.length}`]
    }),
  )
}

/** Tests that differ for one reason share a row. */
export function clientDifferenceTable(): string {
  const rows = new Map<string, { client: string; why: string; tests: string[] }>()
  for (const { client, test, why } of DIFFERENCES) {
    const key = `${client} ${why}`
    const row = rows.get(key) ?? { client, why, tests: [] }
    rows.set(key, { ...row, tests: [...row.tests, `\`${test}\``] })
  }
  return markdownTable(
    ['client', 'tests', 'why they fail through the gateway'],
    [...rows.values()].map(({ client, tests, why }) => [client, tests.join(', '), why]),
  )
}

function sourceText(source: Source): string {
  if ('npm' in source) return `the npm package \`${source.npm}\`; the command installs it (later ones have no tests)`
  if ('folder' in source) return `a Debian package, in \`${source.folder}\``
  return `tag \`${source.tag}\` of <${source.repository}>, named with \`--suite\` (its packages have no tests)`
}
