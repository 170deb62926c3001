import type { YAMLParseError } from 'yaml'

const QUOTES = 'text with special characters goes in single quotes'

/** What the YAML reader stumbled over, in our own words: its messages may quote the file, which holds secrets. */
const WORDS: Partial<Record<YAMLParseError['code'], string>> = {
  BAD_DQ_ESCAPE:
    "in double quotes a backslash starts an escape such as \\n; expected single quotes, as in 'C:\\xampp\\htdocs'",
  BAD_SCALAR_START: `a value cannot start with this character; ${QUOTES}`,
  BAD_INDENT: 'the indentation does not fit, or a bracket that opened before is not closed',
  BLOCK_AS_IMPLICIT_KEY: `a second "key: value" where a plain value belongs; check the indentation; ${QUOTES}`,
  MISSING_CHAR: 'a ":" after a key, or a closing quote or bracket, is missing',
  MULTILINE_IMPLICIT_KEY: 'a key needs a ":" with a space after it, on its own line',
  MULTIPLE_DOCS: 'a second document starts here ("---"); expected one document',
  TAB_AS_INDENT: 'a tab in the indentation; expected spaces',
  UNEXPECTED_TOKEN: `unexpected text here; ${QUOTES}`,
}

export function syntaxMessage(error: Pick<YAMLParseError, 'code'>): string {
  return `not valid YAML: ${WORDS[error.code] ?? `check this line and the one before it; ${QUOTES}`}`
}
