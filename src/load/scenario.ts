import { OfflineScenario } from './offline.ts'
import type { LoadPlan } from './plan.ts'
import { RetainedScenario } from './retained.ts'
import type { PartPlace, ScenarioOwner, ScenarioRun } from './scenario-run.ts'
import { StormScenario } from './storm.ts'
import type { Tally } from './tally.ts'
import { Traffic } from './traffic.ts'

/** Makes what does one part of a plan. */
export function createScenario(plan: LoadPlan, place: PartPlace, tally: Tally, owner: ScenarioOwner): ScenarioRun {
  switch (plan.scenario) {
    case 'retained':
      return new RetainedScenario(plan, place, tally, owner)
    case 'offline':
      return new OfflineScenario(plan, place, tally, owner)
    case 'storm':
      return new StormScenario(plan, place, tally, owner)
    default:
      return new Traffic(plan, place, tally, owner)
  }
}
