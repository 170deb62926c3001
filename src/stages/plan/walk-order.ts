/**
 * The order of a walk, by paths below the archive folder: the files of a folder, then what lies in its folders; files and
 * folders by the code units of their names. So two walks, or a walk and a list of what an earlier one found, can be merged
 * as streams. Less than 0: `a` comes first.
 */
export function compareInWalk(a: string, b: string): number {
  const at = firstDifference(a, b)
  if (at === a.length || at === b.length) return a.length - b.length
  const from = a.lastIndexOf('/', at - 1) + 1
  const [endOfA, endOfB] = [a.indexOf('/', at), b.indexOf('/', at)]
  if (endOfA === -1 || endOfB === -1) {
    if (endOfA !== endOfB) return endOfA === -1 ? -1 : 1
    return a < b ? -1 : 1
  }
  return a.slice(from, endOfA) < b.slice(from, endOfB) ? -1 : 1
}

function firstDifference(a: string, b: string): number {
  let at = 0
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1
  return at
}
