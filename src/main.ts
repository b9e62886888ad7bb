#!/usr/bin/env node
/** The command `gatehouse`: hands the process's arguments and streams to the command line, and ends as it says. */
import { run } from './cli/run.ts'

// Whoever reads the output may leave before its end (`gatehouse schema | head`): that is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await run(process.argv.slice(2), process)
