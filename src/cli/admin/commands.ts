/** The commands that ask a running gateway, in the order in which help lists them. */
import type { Command } from '../command.ts'
import { block, blocks, unblock } from './blocks.ts'
import { drain, undrain } from './drain.ts'
import { refusals } from './refusals.ts'
import { reload } from './reload.ts'
import { kick, session, sessions } from './sessions.ts'
import { status } from './status.ts'
import { top } from './top.ts'

export const ADMIN_COMMANDS: readonly Command[] = [
  status,
  top,
  sessions,
  session,
  kick,
  block,
  unblock,
  blocks,
  refusals,
  drain,
  undrain,
  reload,
]
