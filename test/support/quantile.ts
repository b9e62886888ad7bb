/** Where most measurements lie. Of sorted ones only: sorting is the caller's, who may ask for several. */

/**
 * The measurement below which the part of all lies: 0.5 the middle one, 0.99 nearly the worst, 1 the last.
 * @param sorted ascending
 * @param part from 0 to 1
 * @returns one of the measurements, never something between two; 0 where there are none
 */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
