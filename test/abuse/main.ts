/**
 * `npm run bench:abuse`: a gateway in a process of its own is abused in every way the table knows, one after the other,
 * while a bystander measures round trips. The exit code is 1 when memory, the event loop or the bystander suffer more
 * than they may, or health is not to be had. Linux only.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { createCertificates } from '../support/certificates.ts'
import { startMeasuredGateway } from '../support/measured-gateway.ts'
import { startTap } from '../support/tap.ts'
import { ABUSES } from './abuses.ts'
import { cells, HEADINGS, type Row } from './report.ts'
import { runAbuse, startBystander } from './run.ts'
import { config, prepare, TARGET_USER } from './scene.ts'

const USAGE = `npm run bench:abuse -- [options]
  --only TEXT  abuses whose name contains it (may be repeated)
  --seconds N  how long each goes on (default 10)
  --json FILE  writes the figures

The abuses:`

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(USAGE)
  for (const [name, { does }] of Object.entries(ABUSES)) console.log(`  ${name}: ${does}`)
  process.exit()
}

/** Of the gateway and the bystander, for administrators: neighbours on the machine are no abuse. */
const PRIORITY = -10

const { only } = options
const chosen = Object.keys(ABUSES).filter((name) => only.length === 0 || only.some((text) => name.includes(text)))
if (chosen.length === 0) {
  console.error(`--only ${only.join(' --only ')}: no abuse has such a name; --help lists them`)
  process.exit(2)
}
const rabbit = await startRabbit({ source: 'private', config: ['log.console = false'] })
// What the bystander suffers is to be the gateway's doing, not that of a broker that is flooded with what it may be sent.
const quiet = await startRabbit({ source: 'private', config: ['log.console = false'] })
const tap = await startTap(rabbit, { records: false })
const certificates = await createCertificates()
const rows: Row[] = []
try {
  for (const broker of [rabbit, quiet]) await prepare(broker)
  console.log(
    `Node.js ${process.version}, RabbitMQ ${rabbit.version}, ${cpus().length} × ${cpus()[0]?.model}; ${options.seconds} s of each. Abusers give way to all others (nice 10); the gateway and the bystander ${process.getuid?.() === 0 ? `go before all others (nice ${PRIORITY})` : 'have no privilege'}. The bystander's broker is one of its own.`,
  )
  for (const name of chosen) rows.push(await once(name))
  if (options.json !== undefined)
    writeFileSync(
      options.json,
      `${JSON.stringify({ node: process.version, rabbitmq: rabbit.version, rows }, undefined, 1)}\n`,
    )
} finally {
  await tap.close()
  await rabbit.stop()
  await quiet.stop()
  await certificates.remove()
}
const missed = rows.filter((row) => row.missed.length > 0)
for (const { abuse, missed: bounds } of missed) console.error(`${abuse}: ${bounds.join(', ')}`)
console.log(missed.length === 0 ? 'every bound holds' : `${missed.length} of ${rows.length} abuses went too far`)
process.exit(missed.length === 0 ? 0 : 1)

/** A gateway for each, so that none inherits the memory of the one before. */
async function once(name: string): Promise<Row> {
  const surroundings = { abused: rabbit, quiet, stalledUrl: tap.url, certificate: certificates.server }
  const gateway = await startMeasuredGateway(await config(surroundings), { built: true, priority: PRIORITY })
  const target = { url: gateway.url, secureUrl: gateway.urls[1] ?? '', authorization: TARGET_USER }
  const bystander = await startBystander(target, PRIORITY)
  try {
    const row = await runAbuse({ name, seconds: Number(options.seconds), gateway, bystander, target, tap })
    console.log(`\n${row.abuse}: ${ABUSES[name]?.does}`)
    for (const [at, cell] of cells(row).entries()) console.log(`  ${HEADINGS[at]}: ${cell}`)
    return row
  } finally {
    bystander.stop()
    await gateway.stop()
  }
}
