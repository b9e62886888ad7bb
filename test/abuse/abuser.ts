/**
 * The process that abuses: `abuser.ts NAME SECONDS`, target by message. It gives way to everybody else (nice 10), so
 * that what is measured is the gateway and not the fight for a processor; tells at the end what became of its sockets.
 */
import { setPriority } from 'node:os'
import { outcomes } from '../support/flooder.ts'
import type { AbuseTarget } from './abuse.ts'
import { ABUSES } from './abuses.ts'

const [name = '', seconds = '10'] = process.argv.slice(2)

setPriority(10)
process.on('disconnect', () => process.exit())
process.once('message', (target: AbuseTarget) => void abuse(target))

async function abuse(target: AbuseTarget): Promise<void> {
  const untilMs = performance.now() + Number(seconds) * 1000
  await ABUSES[name]?.run(target, untilMs, () => process.send?.('ready'))
  process.send?.(outcomes, () => process.exit())
}
