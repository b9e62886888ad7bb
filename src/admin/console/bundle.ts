/**
 * Makes the console's files out of its sources: for `npm run build`, which puts them into the package, and where the gateway
 * itself runs from its sources. The package has the files and no bundler.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build, type Metafile } from 'esbuild'

const PAGE = join(import.meta.dirname, 'page')

/** The console's files, by their names. */
export async function bundle(): Promise<ReadonlyMap<string, string>> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(PAGE, 'console.tsx'), join(PAGE, 'style/console.css')],
    outdir: PAGE,
    entryNames: '[name]',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    write: false,
    metafile: true,
    logLevel: 'error',
  })
  const made = outputFiles.map(({ path, text }): [string, string] => [path.slice(PAGE.length + 1), text])
  const kept = ['index.html', 'icon.svg'].map(
    async (name): Promise<[string, string]> => [name, await readFile(join(PAGE, name), 'utf8')],
  )
  return new Map([...made, ...(await Promise.all(kept)), ['licences.txt', await licencesOf(metafile)]])
}

/** The words under which the libraries in it may be passed on. */
async function licencesOf({ inputs }: Metafile): Promise<string> {
  const packages = new Set(
    Object.keys(inputs).flatMap((path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  )
  const texts = [...packages].sort().map(async (name) => {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
    return `${name}\n\n${await readFile(join(folder, 'LICENSE'), 'utf8')}`
  })
  return (await Promise.all(texts)).join('\n\n')
}
