/** Whether something grows: the line that fits measurements best. */

export interface Sample {
  readonly atMs: number
  readonly value: number
}

/** Growth per hour of the line of least squares through the samples; 0 for fewer than three. */
export function slopePerHour(samples: readonly Sample[]): number {
  if (samples.length < 3) return 0
  const mean = (of: (sample: Sample) => number): number => samples.reduce((sum, s) => sum + of(s), 0) / samples.length
  const meanMs = mean(({ atMs }) => atMs)
  const meanValue = mean(({ value }) => value)
  const covariance = mean(({ atMs, value }) => (atMs - meanMs) * (value - meanValue))
  const variance = mean(({ atMs }) => (atMs - meanMs) ** 2)
  return variance === 0 ? 0 : (covariance / variance) * 3_600_000
}
