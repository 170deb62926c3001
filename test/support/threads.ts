/** How many threads beside the main one this process has. */
export function threadCount(): number {
  const { workers } = process.report.getReport() as { readonly workers: readonly unknown[] }
  return workers.length
}
