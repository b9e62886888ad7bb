/**
 * Strips types by esbuild, once for each content of a file: what it made is kept in node_modules/.cache. The suite starts
 * hundreds of processes; one of a gateway takes half the processor time that it takes with tsx.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/sources/', import.meta.url))
const compilerOptions = { target: 'ESNext', verbatimModuleSyntax: true }

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return await next(url, context)
  const file = fileURLToPath(url)
  const source = await readFile(file)
  // The same file of a copy of the sources is the same.
  const name = basename(file)
  const made = join(CACHE, `${createHash('sha1').update(name).update('\0').update(source).digest('hex')}.js`)
  const kept = await readFile(made).catch(() => undefined)
  return { format: 'module', source: kept ?? (await make(name, source, made)), shortCircuit: true }
}

/** @param name by which stack traces find it beside what was made of it */
async function make(name, source, made) {
  const { transform } = await import('esbuild')
  const { code } = await transform(source, {
    loader: 'ts',
    target: 'node20',
    sourcemap: 'inline',
    sourcesContent: false,
    sourcefile: name,
    tsconfigRaw: { compilerOptions },
  })
  await mkdir(CACHE, { recursive: true })
  // Several processes may make the same.
  const own = `${made}.${process.pid}`
  await writeFile(own, code)
  await rename(own, made)
  return code
}
