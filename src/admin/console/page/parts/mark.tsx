export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M1 15V3h2v2h2V3h2v2h2V3h2v2h2V3h2v12h-4v-3a3 3 0 0 0-6 0v3z" />
    </svg>
  )
}
