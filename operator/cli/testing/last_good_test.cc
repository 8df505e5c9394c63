// onFailure in local runs: what an earlier run of the state folder gave stands in.
#include <gmock/gmock.h>

#include "operator/cli/testing/run_fixture.h"

namespace penstock::cli {
namespace {

using ::testing::HasSubstr;

class LastGoodHere : public RunTest {
 protected:
  LastGoodHere() {
    Write("two-steps.yaml", R"(apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: words}
spec:
  parameters: [{name: text, type: string, default: ""}]
  steps:
  - name: get
    onFailure: {use: LastGood, maxAge: 24h}
    container:
      image: docker.io/library/debian:bookworm-slim
      command: [/bin/sh, -c, 'test -n "$1" || exit 9; printf %s "$1" > "$2"; printf %s "$1" > "$3"', sh,
        $(parameters.text), $(outputs.text.path), $(results.text.path)]
    outputs: [{name: text}]
    results: [{name: text}]
    retry: {user: {limit: 0}}
  - name: use
    container:
      image: docker.io/library/debian:bookworm-slim
      command: [/bin/sh, -c, 'cat "$1" > "$2"', sh, $(inputs.text.path), $(results.read.path)]
    inputs: {text: $(steps.get.outputs.text)}
    results: [{name: read}]
)");
  }
};

TEST_F(LastGoodHere, StandsInOutOfTheStateFolder) {
  ASSERT_EQ(Run(), kFailed) << "there was none before";
  EXPECT_THAT(err_.str(), HasSubstr("nothing stands in for it"));
  ASSERT_EQ(Run({"-p", "text=monday"}), kOk) << err_.str();
  const std::string first = NewestRun()["metadata"]["name"];
  ASSERT_EQ(Run(), kOk) << err_.str();
  const Json run = NewestRun();
  EXPECT_EQ(Step(run, "get")["phase"], "Failed");
  EXPECT_EQ(Step(run, "get")["exitCode"], 9);
  EXPECT_EQ(Step(run, "get")["lastGood"]["outcome"], "Used");
  EXPECT_EQ(Step(run, "get")["lastGood"]["run"], first);
  EXPECT_EQ(Step(run, "get")["results"]["text"], "monday");
  EXPECT_EQ(Step(run, "use")["results"]["read"], "monday");
  ASSERT_EQ(Penstock({"describe", "words"}), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("what run " + first + " gave at"));
  ASSERT_EQ(Penstock({"rerun", "words", "--isolation", "process"}), kOk)
      << "what failed once more: " << err_.str();
  EXPECT_EQ(Step(NewestRun(), "get")["attempts"], 1);
  ASSERT_EQ(Run(), kOk) << "a run that used it passes it on";
  EXPECT_EQ(Step(NewestRun(), "get")["lastGood"], Step(run, "get")["lastGood"]);
}

}  // namespace
}  // namespace penstock::cli
