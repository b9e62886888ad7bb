/**
 * What Node.js is started with where a gateway is measured: as deploy/Dockerfile, `npm start` and docs/deployment.md have
 * it. Four megabytes are enough for what lives shortly; without a bound V8 takes up to 32.
 */
export const NODE_OPTIONS: readonly string[] = ['--max-semi-space-size=4']
