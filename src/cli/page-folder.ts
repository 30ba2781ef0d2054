import { join } from 'node:path'

/** Where the pages of `serve --http` are: beside the bundle of the command line, as scripts/build.mjs puts them. */
export function pageFolder(): string {
  return join(__dirname, '../page')
}
