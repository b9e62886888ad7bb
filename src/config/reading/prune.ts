/**
 * A configuration without its mistakes: what is wrong is taken out, and what cannot be without it. Only so that the
 * checks of what is left can run too, and an operator hears of everything at once. It is never served.
 */
import type { Path } from './problems.ts'

/** A value of which parts were taken out, and how to find in the original what is left. */
export class Pruned {
  readonly value: unknown
  readonly #removed: Path[] = []
  /** For each list that lost entries: the original index of each that is left. */
  readonly #indices = new WeakMap<object, number[]>()

  /** For each mapping with mended keys: how each was written. */
  readonly #written = new WeakMap<object, Map<string, string>>()

  /** Takes the value over: it is changed from here on. */
  constructor(value: unknown) {
    this.value = value
  }

  /**
   * Takes out what is at these paths (as they are now), or around it where there is nothing. False where nothing would
   * be left.
   */
  remove(paths: readonly Path[]): boolean {
    // Later entries of a list first, so that the indices of earlier ones still hold.
    const gone: Path[] = []
    for (const path of [...paths].sort((a, b) => compare(b, a))) {
      if (gone.some((above) => isWithin(path, above))) continue
      const removed = this.#removeOne(path)
      if (removed === undefined) return false
      gone.push(removed)
    }
    return true
  }

  /** Gives a key the name that was meant; false where there is such a key already. */
  rename(path: Path, name: string): boolean {
    const [parent, key] = [this.#parentOf(path), path.at(-1)]
    if (parent === undefined || typeof key !== 'string' || Object.hasOwn(parent, name)) return false
    Reflect.set(parent, name, Reflect.get(parent, key))
    Reflect.deleteProperty(parent, key)
    const written = this.#written.get(parent) ?? new Map<string, string>()
    this.#written.set(parent, written.set(name, written.get(key) ?? key))
    return true
  }

  /** Puts a value in the place of another. */
  replace(path: Path, value: unknown): boolean {
    const [parent, key] = [this.#parentOf(path), path.at(-1)]
    return parent !== undefined && key !== undefined && Reflect.set(parent, key, value)
  }

  has(path: Path): boolean {
    const [parent, key] = [this.#parentOf(path), path.at(-1)]
    return parent !== undefined && key !== undefined && Object.hasOwn(parent, key)
  }

  /** Puts a value where there is none, as long as nothing is wrong there then. The place counts as taken out. */
  tryOut(path: Path, value: unknown, stillWrong: () => readonly Path[]): boolean {
    if (!this.replace(path, value)) return false
    if (!stillWrong().some((wrong) => isWithin(wrong, path))) {
      this.#removed.push(this.original(path))
      return true
    }
    Reflect.deleteProperty(this.#parentOf(path) ?? {}, path.at(-1) ?? '')
    return false
  }

  /** The path in the original of what is at this path now. */
  original(path: Path): Path {
    let current = this.value
    return path.map((key) => {
      const holder = isObject(current) ? current : {}
      current = Reflect.get(holder, key)
      if (typeof key === 'number') return this.#indices.get(holder)?.[key] ?? key
      return this.#written.get(holder)?.get(key) ?? key
    })
  }

  /** Whether something was taken out at, above or below this path of the original. */
  touches(path: Path): boolean {
    return this.#removed.some((removed) => isWithin(removed, path) || isWithin(path, removed))
  }

  #parentOf(path: Path): object | undefined {
    let current = this.value
    for (const key of path.slice(0, -1)) current = isObject(current) ? Reflect.get(current, key) : undefined
    return isObject(current) ? current : undefined
  }

  /** The path that is gone now, as it was. */
  #removeOne(path: Path): Path | undefined {
    let parent = this.value
    for (const [depth, key] of path.entries()) {
      if (!isObject(parent)) return this.#removeOne(path.slice(0, depth))
      if (depth === path.length - 1) return this.#removeFrom(parent, key, path)
      parent = Reflect.get(parent, key)
    }
    return undefined
  }

  #removeFrom(parent: object, key: string | number, path: Path): Path | undefined {
    if (!Object.hasOwn(parent, key)) return this.#removeOne(path.slice(0, -1))
    this.#removed.push(this.original(path))
    if (!Array.isArray(parent)) {
      Reflect.deleteProperty(parent, key)
      return path
    }
    const indices = this.#indices.get(parent) ?? parent.map((_, index) => index)
    indices.splice(Number(key), 1)
    this.#indices.set(parent, indices)
    parent.splice(Number(key), 1)
    return path
  }
}

function isWithin(path: Path, above: Path): boolean {
  return above.every((key, depth) => key === path[depth])
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object'
}

/** By the first index that differs. */
function compare(a: Path, b: Path): number {
  for (const [depth, key] of a.entries()) {
    const other = b[depth]
    if (key === other) continue
    return typeof key === 'number' && typeof other === 'number' ? key - other : String(key) < String(other) ? -1 : 1
  }
  return a.length - b.length
}
