// Conditions of steps (`when`), in plan/expression's language, over
//
//   parameters.x            the pipeline's parameters
//   steps.s.status          how a step ended: Succeeded, Failed, Skipped, Cancelled
//   steps.s.results.r       of its declared type; of a looped step a list
//   steps.s.outputs.o       the artifact's digest
//   steps.s.succeeded       of a looped step: items by their ends, also failed, skipped, total
//   run.name                also uid, namespace; of a finally step also status, duration (seconds)
//                           and failures, each with step, reason and message
//   each.value              of a looped step, also index: looked at item by item
//
// A name that holds '-' is written steps["a-b"]. What a step of a condition must have ended as is
// implied: Succeeded where only results and outputs of it are read; Any where its status or counts
// are, or has(...) asks. dependsOn says otherwise. Pure.
#pragma once

#include <map>
#include <set>
#include <string>

#include "operator/api/pipeline.h"
#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {

// The steps that a condition waits for, and how they must have ended. Empty of one that cannot be
// parsed.
[[nodiscard]] std::map<std::string, api::DependencyOutcome> WhenNeeds(const std::string& when);
// The pipeline's parameters that it names.
[[nodiscard]] std::set<std::string> WhenParameters(const std::string& when);
// True when it is looked at for each item of a looped step.
[[nodiscard]] bool NamesEach(const std::string& when);

// Every error of the conditions of all steps, at "<step>.when".
void CheckConditions(const CheckContext& c);

}  // namespace penstock::plan
