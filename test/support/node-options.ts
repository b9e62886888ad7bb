/**
 * What Node.js is started with where a gateway is measured: as deploy/Dockerfile, `npm start` and docs/deployment.md have
 * it. Four megabytes are enough for what lives shortly; without a bound V8 takes up to 32.
 */
export const NODE_OPTIONS: readonly string[] = ['--max-semi-space-size=4']

/**
 * And in which environment. glibc gives freed memory at the end of its heap back at every 128 KiB, and touches it anew for
 * the next read: in some processes, for their life, two to four page faults for each message of 64 KiB.
 */
export const MALLOC_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_TRIM_THRESHOLD_: '33554432',
  MALLOC_MMAP_THRESHOLD_: '33554432',
}
