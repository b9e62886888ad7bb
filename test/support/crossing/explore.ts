/** Walks through crossings: every one of a few deeds, in every interleaving, or some of many. */
import type { Random } from '../random.ts'
import { Crossing, type Deed, isHop, type Step } from './crossing.ts'
import type { ClientStyle } from './model-client.ts'

export interface Find {
  readonly style: ClientStyle
  readonly steps: readonly Step[]
  readonly error: Error
}

export interface Explored {
  /** States that differ, each judged by what becomes of it when everything on its way arrives. */
  readonly states: number
  readonly finds: readonly Find[]
}

const FINDS_MAX = 10

/** Where walks begin: after these deeds, each with everything that comes of it. */
const SCENES: readonly (readonly Deed[])[] = [
  [],
  ['client opens'],
  ['client opens', 'client consumes'],
  ['client opens', 'client consumes', 'client begins a publish', 'client goes on'],
]

/** Every interleaving of so many deeds, and the frames they cause, in each scene. */
export function exploreAll(style: ClientStyle, deedsMax: number): Explored {
  const seen = new Set<string>()
  const finds: Find[] = []
  for (const scene of SCENES) {
    const most = scene.length + deedsMax
    const paths: Step[][] = [stepsOf(scene, style)]
    for (let path = paths.pop(); path !== undefined && finds.length < FINDS_MAX; path = paths.pop()) {
      const crossing = new Crossing(style)
      const error = failure(() => {
        for (const step of path) crossing.do(step)
        const key = `${most - crossing.deeds} ${crossing.key()}`
        if (seen.has(key)) return
        seen.add(key)
        for (const step of crossing.steps()) if (isHop(step) || crossing.deeds < most) paths.push([...path, step])
        crossing.finish()
      })
      if (error !== undefined) finds.push({ style, steps: path, error })
    }
  }
  return { states: seen.size, finds }
}

/** One walk, by chance. */
export function exploreOne(style: ClientStyle, deedsMax: number, random: Random): Find | undefined {
  const scene = random.pick(SCENES)
  const most = scene.length + deedsMax
  const steps = stepsOf(scene, style)
  const crossing = new Crossing(style)
  const error = failure(() => {
    for (const step of steps) crossing.do(step)
    for (;;) {
      const possible = crossing.steps().filter((step) => isHop(step) || crossing.deeds < most)
      if (possible.length === 0) break
      const step = random.pick(possible)
      steps.push(step)
      crossing.do(step)
    }
    crossing.finish()
  })
  return error === undefined ? undefined : { style, steps, error }
}

export function tell({ style, steps, error }: Find): string {
  return `${error.message}\n  where the client ${style}: ${steps.join(', ')}`
}

function stepsOf(scene: readonly Deed[], style: ClientStyle): Step[] {
  const crossing = new Crossing(style)
  const steps: Step[] = []
  for (const deed of scene) {
    for (let step: Step | undefined = deed; step !== undefined; step = crossing.steps().find(isHop)) {
      steps.push(step)
      crossing.do(step)
    }
  }
  return steps
}

function failure(act: () => void): Error | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
