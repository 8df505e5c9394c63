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

TEST(Receipt, WhoseResultsWouldNotFitARunsStatusIsRefused) {
  Receipt r;
  r.results["a"] = std::string(32 * 1024, 'x');
  EXPECT_TRUE(ParseReceipt(Json(r).dump()));
  r.results["b"] = std::string(6 * 1024, '\x01');  // six bytes each as JSON
  const auto large = ParseReceipt(Json(r).dump());
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().message.find("receipt.results has more than 64 KiB"), std::string::npos);
  EXPECT_FALSE(ParseReceipt(std::string(300 * 1024, ' ')));
}

TEST(Receipt, SaysThatItsOutputsAreNotToBeReusedAndAnOlderOneSaysNothing) {
  Receipt receipt;
  EXPECT_EQ(Json(receipt).count("notReusable"), 0u);
  EXPECT_EQ(ParseReceipt(Json(receipt).dump())->not_reusable, "");
  receipt.not_reusable = "it reads the clock";
  EXPECT_EQ(ParseReceipt(Json(receipt).dump())->not_reusable, "it reads the clock");
  EXPECT_FALSE(ParseReceipt(R"({"protocol": 1, "notReusable": true})"));
}

TEST(Receipt, ThatNamesAnOutputTwiceIsRefused) {
  Receipt r;
  r.outputs = {{"model", "model", {kDigest, false, 1}}, {"model", "model", {kDigest, false, 2}}};
  const auto twice = ParseReceipt(Json(r).dump());
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("'model' twice"), std::string::npos);
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

TEST(TerminationMessage, ANumberBeyondItsRangeIsAnError) {
  for (const char* code : {"1e70", "-1e70", "2147483648", "99999999999999999999", "1.5", "\"1\""}) {
    const auto message = ParseTerminationMessage(
        R"({"protocol": 1, "outcome": "Failed", "exitCode": )" + std::string(code) + "}");
    EXPECT_FALSE(message) << code;
  }
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

TEST(TerminationMessage, CarriesLastWordsWithinKubernetesBound) {
  TerminationMessage m;
  m.outcome = TaskOutcome::kFailed;
  m.exit_code = 1;
  m.message = "sh exited with code 1";
  m.no_space = true;
  for (const char* letter : {"x", "\"", "\u00e9", "\u20ac"}) {
    m.last_words.clear();
    while (m.last_words.size() + 4 < kMaxLastWords) m.last_words += letter;
    m.last_words += "end";
    const std::string text = FormatTerminationMessage(m);
    ASSERT_LE(text.size(), kMaxTerminationMessage) << letter;
    const auto read = ParseTerminationMessage(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->last_words, m.last_words);
    EXPECT_EQ(read->message, m.message);
    EXPECT_TRUE(read->no_space);
  }
  // What is too much loses its beginning.
  m.last_words = std::string(4000, 'y') + "end";
  m.message = std::string(4000, 'z');
  const auto read = ParseTerminationMessage(FormatTerminationMessage(m));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->last_words.ends_with("end"));
  EXPECT_FALSE(read->message.empty());
}

TEST(TerminationMessage, KeepsToASmallerShare) {
  TerminationMessage m;
  m.outcome = TaskOutcome::kFailed;
  m.exit_code = 1;
  m.message = std::string(700, 'm') + "END";
  m.last_words = std::string(700, 'w') + "END";
  m.receipt.emplace();
  const std::string text = FormatTerminationMessage(m, 500);
  EXPECT_LE(text.size(), 500U);
  const auto read = ParseTerminationMessage(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->exit_code, 1);
  EXPECT_TRUE(read->last_words.ends_with("END"));
}

// It was over the limit, cut by the kubelet, and no message any more.
TEST(TerminationMessage, GivesUpResultsBeforeItsWordsWhereNotAllFits) {
  TerminationMessage m;
  m.outcome = TaskOutcome::kFailed;
  m.exit_code = 3;
  m.message = "sh exited with code 3";
  m.last_words = std::string(300, 'w') + "END";
  m.results = {{"a", 1}, {"b", std::string(700, 'x')}, {"c", std::string(300, '\x01')}};
  for (const std::size_t limit : {std::size_t{500}, std::size_t{1'400}}) {
    const std::string text = FormatTerminationMessage(m, limit);
    EXPECT_LE(text.size(), limit);
    const auto read = ParseTerminationMessage(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->message, m.message);
    EXPECT_EQ(read->last_words, m.last_words);
    EXPECT_EQ(read->results.value("a", 0), 1);
    EXPECT_EQ(read->results.contains("b"), limit > 1'000);
    EXPECT_FALSE(read->results.contains("c"));
  }
}

TEST(TaskDocument, OfSeveralProgramsInTurnIsReadBack) {
  TaskDocument t;
  t.turns = {{"a", {"x"}, {"y"}, "/w", {{"N", "v"}}, true}, {"b", {"z"}, {}, "", {}, false}};
  t.max_message = 900;
  const auto back = ParseTask(Json(t).dump());
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->turns.size(), 2U);
  EXPECT_EQ(back->turns[0].name, "a");
  EXPECT_EQ(back->turns[0].args, std::vector<std::string>{"y"});
  EXPECT_EQ(back->turns[0].working_dir, "/w");
  EXPECT_EQ(back->turns[0].env.at(0).value, "v");
  EXPECT_TRUE(back->turns[0].goes_on);
  EXPECT_FALSE(back->turns[1].goes_on);
  EXPECT_EQ(back->max_message, 900U);
  const auto wrong = ParseTask(R"({"turns": [{"name": "a"}]})");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("task.turns[0].command is missing"), std::string::npos)
      << wrong.error().message;
}

TEST(TerminationMessage, OfAnOlderLauncherHasNoLastWords) {
  const auto read =
      ParseTerminationMessage(R"({"protocol":1,"outcome":"Failed","exitCode":7,"message":"m"})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->last_words, "");
  EXPECT_FALSE(read->no_space);
}

}  // namespace
}  // namespace penstock
