/** Lines over the last hour. What the picture shows is said in words beside it, for those who do not see it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import type { Column } from '../state/history.ts'
import { count } from './format.ts'

export interface Line {
  readonly name: string
  readonly column: Column
}

interface ChartProps {
  readonly title: string
  /** Seconds since the epoch. */
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  format(value: number): string
}

const HEIGHT = 104
/** Custom properties of the style sheet, in the order of lines; more lines begin again. */
const COLOURS = ['--line-1', '--line-2', '--line-3', '--line-4']
const DARK = matchMedia('(prefers-color-scheme: dark)')
const HOUR_S = 3600
/** Between two lines across, where there are no halves: 1, 2, 5, 10 and so on. */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat()

export function Chart({ title, times, lines, format }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const formatting = useRef(format)
  formatting.current = format
  const [at, setAt] = useState<number | undefined>(undefined)
  const data: uPlot.AlignedData = [[...times], ...lines.map(({ column }) => [...column])]
  const latest = useRef(data)
  latest.current = data
  const names = lines.map(({ name }) => name).join('\n')

  useEffect(() => {
    const element = place.current
    if (element === null) return
    const draw = () => {
      plot.current?.destroy()
      const lineCount = names === '' ? 0 : names.split('\n').length
      const steps = formatting.current === count ? WHOLE_STEPS : undefined
      const options = optionsFor(element, lineCount, steps, (value) => formatting.current(value))
      const cursor = {
        ...options.cursor,
        move: (chart: uPlot, left: number, top: number): [number, number] => {
          setAt(left < 0 ? undefined : chart.posToIdx(left))
          return [left, top]
        },
      }
      plot.current = new uPlot({ ...options, cursor }, latest.current, element)
    }
    draw()
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    resized.observe(element)
    DARK.addEventListener('change', draw)
    return () => {
      resized.disconnect()
      DARK.removeEventListener('change', draw)
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [names])
  useEffect(() => plot.current?.setData(data))

  const shown = at ?? times.length - 1
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <ul class="legend">
          {lines.map(({ name, column }, index) => (
            <li key={name} class={`line-${(index % COLOURS.length) + 1}`}>
              {lines.length > 1 && <span class="name">{name}</span>} <b>{shownValue(column[shown], format)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div
        class="plot"
        ref={place}
        role="img"
        aria-label={`${title}, the last hour. ${lines.map((line) => inWords(line, format)).join(' ')}`}
        onMouseLeave={() => setAt(undefined)}
      />
    </figure>
  )
}

function shownValue(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value)
}

function inWords({ name, column }: Line, format: (value: number) => string): string {
  const known = column.filter((value) => value !== null)
  if (known.length === 0) return `${name}: not known.`
  const [least, most] = [Math.min(...known), Math.max(...known)].map(format)
  return `${name}: now ${shownValue(column.at(-1), format)}, from ${least} to ${most}.`
}

function optionsFor(
  element: HTMLElement,
  lineCount: number,
  steps: number[] | undefined,
  format: (value: number) => string,
): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(name)
  const axis = {
    stroke: colour('--soft'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false, x: false, y: false } },
    // To the right there is room for half of the last time.
    padding: [8, 16, 0, 0],
    scales: {
      x: { range: (_chart, _least, most) => lastHour(most) },
      y: { range: (_chart, _least, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      { ...axis, size: 20, gap: 2, space: 70, values: (_chart, splits) => splits.map(clock) },
      {
        ...axis,
        size: 56,
        gap: 4,
        space: 28,
        values: (_chart, splits) => splits.map(format),
        ...(steps && { incrs: steps }),
      },
    ],
    series: [
      {},
      ...Array.from({ length: lineCount }, (_, index) => ({
        stroke: colour(COLOURS[index % COLOURS.length] ?? ''),
        width: 1.5,
        points: { show: false },
      })),
    ],
  }
}

/** There is no last point where nothing is known yet, whatever the type says. */
function lastHour(most: number | null): [from: number, to: number] {
  const to = most ?? Date.now() / 1000
  return [to - HOUR_S, to]
}

function clock(seconds: number): string {
  const at = new Date(seconds * 1000)
  return `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`
}
