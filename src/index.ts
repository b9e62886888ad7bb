/** The door of the package: everything that a program can import from `amqp-gatehouse`. */
export { hashPassword } from '../auth/index.ts'
export type {
  Blocked,
  BlockPerson,
  Kick,
  Kicked,
  SessionFilter,
  SessionPage,
  SessionQuery,
  ShownBlock,
  ShownSession,
} from './admin/shapes.ts'
export { ConfigError, type Problem } from './config/reading/problems.ts'
export type { Config, ConfigInput } from './config/schema/schema.ts'
export { startGateway } from './gateway/gateway.ts'
export type { DrainOptions, Gateway, GatewayAddress, GatewayOptions, GatewayReload } from './gateway/ports.ts'
export { ReloadRefused, type ReloadReport } from './gateway/reloading/report.ts'
