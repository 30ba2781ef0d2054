import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))

/** Tests that start programs, after those of the engine: two files at a time, for a program and the test that waits for it need one processor. */
function programs(name: string) {
  return {
    extends: true as const,
    test: { name, include: [`test/${name}/**/*.test.ts`], maxWorkers: 2, sequence: { groupOrder: 1 } },
  }
}

export default defineConfig({
  define: { __VERSION__: JSON.stringify(version) },
  test: {
    pool: 'threads',
    // One module graph per worker instead of one per file: a quarter of the time. Test files leave nothing behind.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    retry: 0,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'html'] },
    projects: [
      {
        extends: true,
        test: { name: 'engine', include: ['test/**/*.test.ts'], exclude: ['test/cli/**', 'test/interop/**'] },
      },
      programs('cli'),
      programs('interop'),
    ],
  },
})
