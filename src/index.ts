/** The door of the package: everything that a program can import from `amqp-gatehouse`. */
export type { Config, ConfigInput } from './config/schema/schema.ts'
export { type Gateway, type GatewayAddress, type GatewayOptions, startGateway } from './gateway/gateway.ts'
