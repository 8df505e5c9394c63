#include "operator/base/version.h"
#include "operator/cli/testing/cli_fixture.h"

namespace penstock::cli {
namespace {

TEST_F(CliTest, ValidateSaysEveryMistakeWithItsLine) {
  CopyTestdata("wrong.yaml");
  EXPECT_EQ(Penstock({"validate", "wrong.yaml"}), kInvalidSpec);
  const std::string said = err_.str();
  for (const char* place :
       {"wrong.yaml:8: spec.parameters", "wrong.yaml:11: spec.steps[0].component",
        "wrong.yaml:15: spec.steps[1].container.code.path",
        "wrong.yaml:17: spec.steps[1].inputs.data", "wrong.yaml:18: spec.steps[1].retries"}) {
    EXPECT_NE(said.find(place), std::string::npos) << place << " is not in:\n" << said;
  }
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CliTest, ValidateNamesWhatIsValid) {
  CopyTestdata("two-steps.yaml");
  EXPECT_EQ(Penstock({"validate", "two-steps.yaml"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "pipeline/words valid\n");
}

TEST_F(CliTest, ValidateNamesAFileThatIsNotThereAndOneThatIsNoYaml) {
  Write("broken.yaml", "a: [1\nb: 2\n");
  EXPECT_EQ(Penstock({"validate", "missing.yaml", "broken.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("missing.yaml"), std::string::npos);
  EXPECT_NE(err_.str().find("broken.yaml"), std::string::npos);
  EXPECT_NE(err_.str().find("2 problems"), std::string::npos);
}

TEST_F(CliTest, ValidateRefusesAKindThatDoesNotExist) {
  Write("kind.yaml", "apiVersion: penstock.dev/v1alpha1\nkind: Pipline\nmetadata: {name: x}\n");
  EXPECT_EQ(Penstock({"validate", "kind.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("kind.yaml:2: kind: Pipline is not a kind"), std::string::npos)
      << err_.str();
}

TEST_F(CliTest, WrongUsageIsCodeTwo) {
  EXPECT_EQ(Penstock({}), kUsage);
  EXPECT_EQ(Penstock({"fly"}), kUsage);
  EXPECT_EQ(Penstock({"validate"}), kUsage);
  EXPECT_EQ(Penstock({"get", "pods"}), kUsage);
  EXPECT_EQ(Penstock({"completion", "csh"}), kUsage);
  EXPECT_EQ(Penstock({"--help"}), kOk);
}

TEST_F(CliTest, WithoutStateAndClusterItSaysThatThereIsNone) {
  EXPECT_EQ(Penstock({"get", "runs"}), kFailed);
  EXPECT_NE(err_.str().find("no cluster"), std::string::npos);
}

TEST_F(CliTest, PrintsVersionAndCompletion) {
  EXPECT_EQ(Penstock({"version"}), kOk);
  EXPECT_EQ(out_.str(), std::string("client ") + PenstockVersion() + "\n");
  EXPECT_EQ(Penstock({"completion", "bash"}), kOk);
  EXPECT_NE(out_.str().find("complete -o filenames -F _penstock penstock"), std::string::npos);
}

}  // namespace
}  // namespace penstock::cli
