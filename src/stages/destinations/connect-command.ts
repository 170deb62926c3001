/** What a person types to sign in to a destination, for advice. */
export function connectCommand(name: string): string {
  return `dicom-backup accounts connect ${/^[\w.-]+$/.test(name) ? name : `"${name}"`}`
}
