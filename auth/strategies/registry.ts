/** The types of authenticators, each a line and a folder. A descriptor's name here is the type's name in the configuration. */
export { basic } from './basic/descriptor.ts'
export { clientCertificate } from './client-certificate/descriptor.ts'
export { forwarded } from './forwarded/descriptor.ts'
export { jwt } from './jwt/descriptor.ts'
export { negotiate } from './negotiate/descriptor.ts'
export { oidc } from './oidc/descriptor.ts'
export { passport } from './passport/descriptor.ts'
export { ticket } from './ticket/descriptor.ts'
