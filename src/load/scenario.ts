import type { LoadPlan } from './plan.ts'
import type { PartPlace, ScenarioOwner, ScenarioRun } from './scenario-run.ts'
import type { Tally } from './tally.ts'
import { Traffic } from './traffic.ts'

/** Makes what does one part of a plan. */
export function createScenario(plan: LoadPlan, place: PartPlace, tally: Tally, owner: ScenarioOwner): ScenarioRun {
  return new Traffic(plan, place, tally, owner)
}
