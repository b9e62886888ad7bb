/** One run of a client's suite, all its steps, against what listens at the front port. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnGuarded } from '../../src/demo/processes.ts'
import { FrontPort, type Way } from './front-port.ts'
import type { Outcome, Outcomes } from './outcomes.ts'
import type { Step, Suite } from './suites.ts'

/** A step that hangs is ended after this. */
const STEP_MS = 600_000
/** So much of what was printed last says why nothing passes. */
const SAID_LENGTH = 4000

/** @throws Error with the end of what the suite printed, where no test of it passes: that compares nothing */
export async function runSuite(suite: Suite, folder: string, way: Way): Promise<Outcomes> {
  const scratch = await mkdtemp(join(tmpdir(), 'gatehouse-clients-'))
  const port = await FrontPort.open(way)
  const outcomes = new Map<string, Outcome>()
  let printed = ''
  try {
    for (const [at, step] of suite.steps.entries()) {
      const report = join(scratch, `report-${at}.xml`)
      const output = await runStep(suite, step, folder, scratch, report)
      printed += output
      for (const [test, outcome] of suite.read(report, output)) {
        // Another step has run a test that this one leaves out.
        if (outcome.how !== 'skip' || !outcomes.has(test)) outcomes.set(test, outcome)
      }
    }
  } finally {
    await port.close()
    await rm(scratch, { recursive: true, force: true })
  }
  if ([...outcomes.values()].some(({ how }) => how === 'pass')) return outcomes
  throw new Error(`no test passes:\n${printed.slice(-SAID_LENGTH)}`)
}

/** The processes of a step end with it, and with us. */
async function runStep(suite: Suite, step: Step, folder: string, scratch: string, report: string): Promise<string> {
  let printed = ''
  const child = await spawnGuarded(step.command(report), {
    cwd: folder,
    env: { ...process.env, ...suite.env },
    folder: scratch,
    output: (text) => {
      printed += text
    },
  })
  const timer = setTimeout(() => void child.kill(), step.deadlineMs ?? STEP_MS)
  await child.ended
  clearTimeout(timer)
  await child.kill()
  return printed
}
