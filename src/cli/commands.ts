/**
 * All commands, in the order in which help lists them. Each loads what it needs when somebody asks for it: most of the program
 * is the gateway, and `gatehouse status` needs none of it.
 */
import type { Command } from './command.ts'

const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  check: async () => (await import('./check/check.ts')).check,
  door: async () => (await import('./door.ts')).door,
  explain: async () => (await import('./explain/explain.ts')).explainCommand,
  'broker-setup': async () => (await import('./broker-setup.ts')).brokerSetup,
  connect: async () => (await import('./connect/connect.ts')).connectCommand,
  login: async () => (await import('./admin/login.ts')).loginCommand,
  logout: async () => (await import('./admin/login.ts')).logoutCommand,
  status: async () => (await import('./admin/status.ts')).statusCommand,
  top: async () => (await import('./admin/top.ts')).topCommand,
  sessions: async () => (await import('./admin/sessions.ts')).sessionsCommand,
  session: async () => (await import('./admin/sessions.ts')).sessionCommand,
  kick: async () => (await import('./admin/sessions.ts')).kickCommand,
  block: async () => (await import('./admin/blocks.ts')).blockCommand,
  unblock: async () => (await import('./admin/blocks.ts')).unblockCommand,
  blocks: async () => (await import('./admin/blocks.ts')).blocksCommand,
  refusals: async () => (await import('./admin/refusals.ts')).refusalsCommand,
  drain: async () => (await import('./admin/drain.ts')).drainCommand,
  undrain: async () => (await import('./admin/drain.ts')).undrainCommand,
  reload: async () => (await import('./admin/reload.ts')).reloadCommand,
  'hash-password': async () => (await import('./hash-password.ts')).hashPasswordCommand,
  secret: async () => (await import('./secret/secret.ts')).secretCommand,
  schema: async () => (await import('./schema.ts')).schema,
  demo: async () => (await import('./demo.ts')).demo,
}

export const COMMAND_NAMES: readonly string[] = Object.keys(LOADERS)

/** Undefined: there is none of that name. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  return Object.hasOwn(LOADERS, name) ? await LOADERS[name]?.() : undefined
}

export async function allCommands(): Promise<readonly Command[]> {
  return await Promise.all(Object.values(LOADERS).map(async (load) => await load()))
}
