/** All commands, in the order in which help lists them. */
import { brokerSetup } from './broker-setup.ts'
import { check } from './check.ts'
import type { Command } from './command.ts'
import { demo } from './demo.ts'
import { explain } from './explain.ts'
import { hashPassword } from './hash-password.ts'
import { schema } from './schema.ts'
import { secret } from './secret/secret.ts'
import { serve } from './serve.ts'

export const COMMANDS: readonly Command[] = [serve, check, explain, brokerSetup, hashPassword, secret, schema, demo]
