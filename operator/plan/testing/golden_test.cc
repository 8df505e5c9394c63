#include "operator/plan/testing/golden_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "operator/api/meta.h"
#include "operator/base/file.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {

namespace fs = std::filesystem;

namespace {

std::string Indent(int depth) { return std::string(static_cast<std::size_t>(depth) * 2, ' '); }

// Block YAML; scalars as JSON writes them, which YAML reads.
std::string AsYaml(const Json& j, int depth = 0) {
  if (!j.is_structured() || j.empty()) return " " + j.dump() + "\n";
  std::string out = depth == 0 ? "" : "\n";
  const auto line = [&](const std::string& head, const Json& value) {
    out += Indent(depth) + head + AsYaml(value, depth + 1);
  };
  if (j.is_object())
    for (const auto& [key, value] : j.items()) line(key + ":", value);
  else
    for (const Json& value : j) line("-", value);
  return out;
}

}  // namespace

Json LoadYaml(const fs::path& file) {
  auto text = ReadFile(file);
  EXPECT_TRUE(text) << text.error().message;
  return text ? Yaml(*text) : Json();
}

TimePoint NowOf(const Json& observed) { return *ParseTime(observed.at("now").get<std::string>()); }

Json ObjectOf(const char* kind, Json metadata, const Json& document) {
  Json object = document;
  object["apiVersion"] = api::kApiVersion;
  object["kind"] = kind;
  if (document.contains("metadata")) metadata.update(document.at("metadata"));
  object["metadata"] = std::move(metadata);
  return object;
}

Refusal RefusalOf(const Json& seen) {
  Refusal refusal;
  refusal.object = seen.at("object");
  refusal.why.message = seen.at("message");
  refusal.since = ParseDuration(seen.at("since").get<std::string>()).value();
  const std::string kind = seen.at("kind");
  for (int k = 0; k <= static_cast<int>(ErrorKind::kInternal); ++k)
    if (Name(static_cast<ErrorKind>(k)) == kind) refusal.why.kind = static_cast<ErrorKind>(k);
  EXPECT_EQ(Name(refusal.why.kind), kind);
  return refusal;
}

void PutEventsAndRequeue(const std::vector<RunEvent>& events,
                         const std::optional<Milliseconds>& requeue_after, Json& plan) {
  for (const auto& e : events) plan["events"].push_back(e.type + " " + e.reason + ": " + e.message);
  if (requeue_after) plan["requeueAfter"] = FormatDuration(*requeue_after);
}

void CheckGoldenCases(const char* planner, const std::function<Json(const fs::path&)>& plan) {
  std::vector<fs::path> cases;
  for (const auto& entry :
       fs::directory_iterator(fs::path(PENSTOCK_TEST_SOURCE_DIR) / planner / "testdata"))
    cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  ASSERT_FALSE(cases.empty());
  for (const fs::path& folder : cases) {
    SCOPED_TRACE(folder.filename());
    const Json planned = plan(folder);
    const std::string got = AsYaml(planned);
    if (std::getenv("UPDATE_GOLDEN") != nullptr) {
      ASSERT_TRUE(WriteFileAtomically(folder / "plan.yaml", got));
    }
    auto want = ReadFile(folder / "plan.yaml");
    ASSERT_TRUE(want) << want.error().message;
    EXPECT_EQ(got, *want);
    EXPECT_EQ(Yaml(got), planned);
  }
}

}  // namespace penstock::plan
