#include "operator/protocol/task.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TaskDocument Sample() {
  TaskDocument t;
  t.namespace_ = "default";
  t.run = "flights-1";
  t.run_uid = "u";
  t.step = "train";
  t.pod = "flights-1-train-1";
  t.command = {"train", "$(inputs.train.path)"};
  t.env = {{"TITLE", "$(parameters.title)"}};
  t.parameters = {{"title", "x"}, {"epochs", 3}};
  t.inputs = {{.name = "train",
               .type = "dataset",
               .artifact = ArtifactRef{kDigest, true, 7},
               .uri = "",
               .fingerprint = ""}};
  t.outputs = {{"model", "model"}};
  t.results = {{"loss", "number"}};
  t.timeout_ms = 1000;
  t.store.folder = "/store";
  return t;
}

TEST(TaskDocument, ComesBackAsItWasWritten) {
  const auto back = ParseTask(Json(Sample()).dump());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(Json(*back), Json(Sample()));
}

TEST(TaskDocument, OfANewerProtocolIsRefusedWithAdvice) {
  auto t = Sample();
  t.protocol = kTaskProtocol + 1;
  const auto back = ParseTask(Json(t).dump());
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message.find("one version apart"), std::string::npos);
}

TEST(TaskDocument, NamesTheFieldThatIsWrong) {
  Json j = Sample();
  j["inputs"][0]["artifact"]["digest"] = "sha256:../../etc";
  const auto back = ParseTask(j.dump());
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message.find("inputs[0].artifact.digest"), std::string::npos)
      << back.error().message;
}

TEST(TerminationMessage, FitsByDroppingTheReceiptFirst) {
  TerminationMessage m;
  m.outcome = TaskOutcome::kSucceeded;
  m.message = "done";
  Receipt r;
  r.results["big"] = std::string(5000, 'x');
  m.receipt = r;
  const std::string text = FormatTerminationMessage(m);
  EXPECT_LE(text.size(), kMaxTerminationMessage);
  const auto back = ParseTerminationMessage(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_FALSE(back->receipt);
  EXPECT_EQ(back->message, "done");
}

TEST(TerminationMessage, OfAHostileStepIsAnErrorNotACrash) {
  for (const char* text :
       {"", "null", "[]", R"({"protocol":"x"})", R"({"protocol":1,"outcome":"Root"})",
        R"({"protocol":1,"outcome":"Succeeded","receipt":{"outputs":[{"name":1}]}})",
        R"({"protocol":1,"outcome":"Succeeded","receipt":{"results":[]}})"})
    EXPECT_FALSE(ParseTerminationMessage(text)) << text;
}

TEST(LauncherExitCode, SaysWhatEndedTheAttempt) {
  TerminationMessage m;
  m.outcome = TaskOutcome::kFailed;
  m.exit_code = 3;
  EXPECT_EQ(LauncherExitCode(m), 3);
  m.exit_code = 0;  // an output is missing: the child's 0 is not a success
  EXPECT_EQ(LauncherExitCode(m), 1);
  m.outcome = TaskOutcome::kTimedOut;
  EXPECT_EQ(LauncherExitCode(m), 124);
}

TEST(HasType, AnIntegralDoubleIsAnInteger) {
  EXPECT_TRUE(HasType(Json(3.0), "integer"));
  EXPECT_FALSE(HasType(Json(3.5), "integer"));
  EXPECT_FALSE(HasType(Json("3"), "number"));
}

}  // namespace
}  // namespace penstock
