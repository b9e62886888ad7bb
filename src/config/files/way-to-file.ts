/**
 * The way to a file: every folder in which a name of its path is looked up, links followed. Whoever may write to one of
 * them can put another file in the place of a good one.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { isAbsolute, resolve, sep } from 'node:path'

const WRITABLE_BY_OTHERS = 0o002
/** In such a folder everybody may add names, and only their owners take them away. */
const STICKY = 0o1000
/** As many links as Linux follows. */
const LINK_COUNT = 40

/** What stands under a name. */
interface Entry {
  readonly stats: Stats
  /** Where it leads to, if it is a link. */
  readonly target: string | undefined
}

/** Why the way is not safe; `undefined` where it is. `path` is absolute. @throws what the system says */
export function wayProblem(path: string): string | undefined {
  const way = wayTo(path)
  let step = way.next()
  while (step.done !== true) {
    const stats = lstatSync(step.value)
    step = way.next({ stats, target: stats.isSymbolicLink() ? readlinkSync(step.value) : undefined })
  }
  return step.value
}

/** The same while the gateway runs. */
export async function wayProblemLater(path: string): Promise<string | undefined> {
  const way = wayTo(path)
  let step = way.next()
  while (step.done !== true) {
    const stats = await lstat(step.value)
    step = way.next({ stats, target: stats.isSymbolicLink() ? await readlink(step.value) : undefined })
  }
  return step.value
}

/** Asks for one entry after the other, from the root, as the system looks names up; the last word is what is wrong. */
function* wayTo(path: string): Generator<string, string | undefined, Entry> {
  const root = resolve(path, sep)
  const names = namesIn(path.slice(root.length))
  let folder = root
  let inFolder = (yield folder).stats
  let linkCount = 0
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const at = resolve(folder, name)
    const { stats, target } = yield at
    const problem = entryProblem(folder, inFolder, stats)
    if (problem !== undefined) return problem
    if (target === undefined) {
      folder = at
      inFolder = stats
      continue
    }
    linkCount += 1
    if (linkCount > LINK_COUNT) return 'refused: too many links lead on from one to the other'
    names.unshift(...namesIn(target))
    if (!isAbsolute(target)) continue
    folder = root
    inFolder = (yield folder).stats
  }
  return undefined
}

/** `..` stays: where it leads depends on links before it. */
function namesIn(path: string): string[] {
  return path.split(sep).filter((name) => name !== '' && name !== '.')
}

function entryProblem(folder: string, inFolder: Stats, entry: Stats): string | undefined {
  if ((inFolder.mode & WRITABLE_BY_OTHERS) === 0) return undefined
  if ((inFolder.mode & STICKY) === 0) {
    return `refused: everybody may exchange it, since everybody may write to the folder ${folder} (chmod o-w)`
  }
  const trusted = [0, process.geteuid?.(), inFolder.uid]
  if (trusted.includes(entry.uid)) return undefined
  return `refused: another user owns what is on the way to it in the folder ${folder}, where everybody may write`
}
