// Golden cases of a planner: every folder of its testdata/ holds what goes in, as YAML, and
// plan.yaml, what has to come out. UPDATE_GOLDEN=1 writes the plans anew; read the difference
// before you commit it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/time.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// The one document of a YAML file; a failure of the test where there is none.
[[nodiscard]] Json LoadYaml(const std::filesystem::path& file);

// {"now": ...} of an observed.yaml.
[[nodiscard]] TimePoint NowOf(const Json& observed);

// An object as the API server would give it: the document's metadata laid over these.
[[nodiscard]] Json ObjectOf(const char* kind, Json metadata, const Json& document);

// {"object", "kind" as Name has it, "message", "since"}.
[[nodiscard]] Refusal RefusalOf(const Json& seen);

// "Normal RunCreated: created the run x", one an event, and requeueAfter.
void PutEventsAndRequeue(const std::vector<RunEvent>& events,
                         const std::optional<Milliseconds>& requeue_after, Json& plan);

// Plans every case under PENSTOCK_TEST_SOURCE_DIR/`planner`/testdata and compares.
void CheckGoldenCases(const char* planner,
                      const std::function<Json(const std::filesystem::path& folder)>& plan);

}  // namespace penstock::plan
