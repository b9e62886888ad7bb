/** Options with which this Node.js runs the sources: where it strips types by itself, that is far quicker than tsx. */
export const SOURCE_OPTIONS: readonly string[] =
  'typescript' in process.features && process.features.typescript === 'strip' ? [] : ['--import', 'tsx']
