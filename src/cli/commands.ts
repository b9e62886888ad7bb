/** All commands, in the order in which help lists them. */
import { ADMIN_COMMANDS } from './admin/commands.ts'
import { brokerSetup } from './broker-setup.ts'
import { check } from './check/check.ts'
import type { Command } from './command.ts'
import { connectCommand } from './connect/connect.ts'
import { demo } from './demo.ts'
import { door } from './door.ts'
import { explainCommand } from './explain/explain.ts'
import { hashPasswordCommand } from './hash-password.ts'
import { schema } from './schema.ts'
import { secretCommand } from './secret/secret.ts'
import { serve } from './serve.ts'

export const COMMANDS: readonly Command[] = [
  serve,
  check,
  door,
  explainCommand,
  brokerSetup,
  connectCommand,
  ...ADMIN_COMMANDS,
  hashPasswordCommand,
  secretCommand,
  schema,
  demo,
]
