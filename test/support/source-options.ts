/** Options with which this Node.js runs the sources: where it strips types by itself, there are none. */
export const SOURCE_OPTIONS: readonly string[] =
  'typescript' in process.features && process.features.typescript === 'strip'
    ? []
    : ['--import', new URL('sources/register.js', import.meta.url).href]
