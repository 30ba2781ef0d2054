import { open } from 'node:fs/promises'
import { devNull } from 'node:os'
import { expect, it } from 'vitest'
import { connectionsUntried, descriptorsLeft, freeDescriptors } from '../../src/transport/descriptors.ts'

it('tries a descriptor for each connection when few are free or nobody knows', () => {
  expect([0, 1, 255, 256, 20_000].map(connectionsUntried)).toEqual([0, 0, 0, 128, 10_000])
  expect(connectionsUntried(null)).toBe(0)
})

it.runIf(process.platform === 'linux')('counts what the system says', async () => {
  // other tests of this process open files too
  await expect
    .poll(async () => {
      const before = freeDescriptors()!
      const files = await Promise.all(Array.from({ length: 10 }, () => open(devNull)))
      const taken = before - freeDescriptors()!
      for (const file of files) await file.close()
      return taken
    })
    .toBe(10)
  expect(descriptorsLeft()).toBeNull()
})
