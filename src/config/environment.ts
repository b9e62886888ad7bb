/** Environment variables, of the process or handed in. */
export type Environment = Readonly<Record<string, string | undefined>>
