/** Which sessions are listed: conditions as chips, and the form that adds one. */
import { useState } from 'preact/hooks'
import { type Condition, FILTER_NAMES, FILTERS, type Filter } from '../../state/filters.ts'

interface FilterBarProps {
  readonly conditions: readonly Condition[]
  onConditions(conditions: readonly Condition[]): void
}

export function FilterBar({ conditions, onConditions }: FilterBarProps) {
  const [filter, setFilter] = useState<Filter>('subject')
  const [value, setValue] = useState('')
  const add = (event: Event) => {
    event.preventDefault()
    const wanted = value.trim()
    const isThere = conditions.some((one) => one.filter === filter && one.value === wanted)
    if (wanted !== '' && !isThere) onConditions([...conditions, { filter, value: wanted }])
    setValue('')
  }
  return (
    <search class="filters">
      <form onSubmit={add}>
        <select
          aria-label="Find by"
          value={filter}
          onChange={(event) => setFilter(FILTERS.find((one) => one === event.currentTarget.value) ?? 'subject')}
        >
          {FILTERS.map((one) => (
            <option key={one} value={one}>
              {FILTER_NAMES[one]}
            </option>
          ))}
        </select>
        <input
          type="search"
          aria-label={`The ${FILTER_NAMES[filter]} to find`}
          placeholder="exactly …"
          value={value}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setValue(event.currentTarget.value)}
        />
        <button type="submit">Find</button>
      </form>
      {conditions.length > 0 && (
        <ul class="chips" aria-label="Conditions">
          {conditions.map((condition) => (
            <li class="chip" key={`${condition.filter} ${condition.value}`}>
              {FILTER_NAMES[condition.filter]} <b>{condition.value}</b>
              <button
                type="button"
                aria-label={`Remove ${FILTER_NAMES[condition.filter]} ${condition.value}`}
                onClick={() => onConditions(conditions.filter((one) => one !== condition))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </search>
  )
}
