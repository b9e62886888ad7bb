/**
 * `npm run build`: mirrors the sources into dist/ as JavaScript and declarations, bundles the console's page,
 * copies what is not compiled (the demo page), and makes the command executable. Starts from an empty dist/, so that nothing deleted is ever published.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { bundle } from '../src/admin/console/bundle.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const COPIED = ['src/demo/page']
const COMMAND = 'src/main.js'

rmSync(dist, { recursive: true, force: true })

const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const compiled = spawnSync(process.execPath, [compiler, '--project', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
})
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

const page = join(dist, 'src/admin/console/page')
mkdirSync(page)
for (const [name, text] of await bundle()) writeFileSync(join(page, name), text)

for (const folder of COPIED) {
  cpSync(join(root, folder), join(dist, folder), { recursive: true })
}

const command = join(dist, COMMAND)
if (!existsSync(command)) throw new Error(`${command} was not compiled: the package's command would be missing`)
chmodSync(command, 0o755)
