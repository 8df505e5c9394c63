#include "operator/cli/objects/artifact_name.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace penstock::cli {
namespace {

Json Outputs(const std::vector<std::string>& names) {
  Json outputs = Json::array();
  for (const std::string& name : names)
    outputs.push_back({{"name", name}, {"digest", "sha256:" + name}});
  return outputs;
}

// Pipeline "prices" published `names`; its run "r" has the steps "a" with the output "f" and "b"
// with none.
std::string Found(const std::string& name, const std::vector<std::string>& names = {}) {
  const ObjectLookup lookup = {[&](const std::string& pipeline) -> Result<Json> {
                                 if (pipeline != "prices")
                                   return NotFound("no Pipeline " + pipeline);
                                 return Json{{"status", {{"outputs", Outputs(names)}}}};
                               },
                               [](const std::string& run) -> Result<Json> {
                                 if (run != "r") return NotFound("no run " + run);
                                 Json steps = Json::array();
                                 steps.push_back({{"name", "a"}, {"outputs", Outputs({"f"})}});
                                 steps.push_back({{"name", "b"}});
                                 return Json{{"status", {{"steps", steps}}}};
                               }};
  const auto found = FindOutput(name, lookup);
  return found ? found->digest : found.error().message;
}

TEST(FindOutput, SaysWhatNamesAnOutputWhereAPipelineOrARunPublishedNone) {
  const std::string otherwise =
      " has no outputs; RUN/STEP/OUTPUT names one of a step; `penstock artifact ls` lists them";
  EXPECT_EQ(Found("prices"), "Pipeline prices" + otherwise);
  EXPECT_EQ(Found("r"), "run r" + otherwise);
  EXPECT_EQ(Found("r/b/f"), "step b of r has no outputs");
}

TEST(FindOutput, NamesThoseThereAre) {
  EXPECT_EQ(Found("prices", {"model"}), "sha256:model");
  EXPECT_EQ(Found("prices/model", {"model", "report"}), "sha256:model");
  EXPECT_EQ(Found("prices", {"model", "report"}),
            "Pipeline prices has more than one output; it has model, report");
  EXPECT_EQ(Found("prices/x", {"model"}), "Pipeline prices has no output x; it has model");
  EXPECT_EQ(Found("r/a/f"), "sha256:f");
  EXPECT_EQ(Found("r/c/f"), "run r has no step c");
}

}  // namespace
}  // namespace penstock::cli
