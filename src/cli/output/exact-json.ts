/**
 * The JSON text of a payload without the white space between its parts, and otherwise as it is: numbers of any length,
 * repeated keys and escapes stay as they were written.
 *
 * @returns null when the text is no JSON
 */
export function compactJson(text: string): string | null {
  try {
    JSON.parse(text)
  } catch {
    return null
  }
  // strings, or white space between what are none
  return text.replace(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+/g, (part) => (part.startsWith('"') ? part : ''))
}

/**
 * The same JSON text, a line per member, indented by two spaces.
 * @param compact as {@link compactJson} makes it
 */
export function indentedJson(compact: string): string {
  let depth = 0
  const line = (): string => `\n${'  '.repeat(depth)}`
  return compact.replace(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]/g, (part) => {
    switch (part) {
      case '{':
      case '[':
        depth++
        return part + line()
      case '}':
      case ']':
        depth--
        return line() + part
      case ',':
        return part + line()
      case ':':
        return ': '
      default:
        return part
    }
  })
}
