/** The commands that ask a running gateway, in the order in which help lists them. */
import type { Command } from '../command.ts'
import { blockCommand, blocksCommand, unblockCommand } from './blocks.ts'
import { drainCommand, undrainCommand } from './drain.ts'
import { loginCommand, logoutCommand } from './login.ts'
import { refusalsCommand } from './refusals.ts'
import { reloadCommand } from './reload.ts'
import { kickCommand, sessionCommand, sessionsCommand } from './sessions.ts'
import { statusCommand } from './status.ts'
import { topCommand } from './top.ts'

export const ADMIN_COMMANDS: readonly Command[] = [
  loginCommand,
  logoutCommand,
  statusCommand,
  topCommand,
  sessionsCommand,
  sessionCommand,
  kickCommand,
  blockCommand,
  unblockCommand,
  blocksCommand,
  refusalsCommand,
  drainCommand,
  undrainCommand,
  reloadCommand,
]
