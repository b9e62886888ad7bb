/** The door of `amqp-gatehouse/testing`: a gateway in a test. */
export {
  startTestGateway,
  type TestAuditLine,
  TestGateway,
  type TestLogLine,
  type WaitOptions,
} from './gateway.ts'
export type { TokenOptions } from './issuer.ts'
export type { Matching } from './lines.ts'
export type { TestGatewayOptions, TestUser } from './options.ts'
