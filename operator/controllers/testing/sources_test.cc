// What outside sources that are slow, silent or not to be asked do to runs.
#include <gmock/gmock.h>

#include <semaphore>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::controllers {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string RunOf(const std::string& ns, const std::string& name,
                  const std::vector<std::string>& sources) {
  std::string steps;
  int i = 0;
  for (const std::string& source : sources) {
    steps +=
        "    - name: s" + std::to_string(i++) +
        "\n      container: {image: \"registry.example.com/tool@sha256:" + std::string(64, '1') +
        "\", command: [" + name + "]}\n";
    if (!source.empty()) steps += "      inputs: {data: \"" + source + "\"}\n";
  }
  return "metadata: {name: " + name + ", namespace: " + ns +
         "}\nspec:\n  pipelineSpec:\n    steps:\n" + steps;
}

// Takes a request and never answers it.
class SilentServer {
 public:
  void AwaitRequest() { asked_.acquire(); }
  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] int connections() const { return server_.connections(); }

 private:
  std::counting_semaphore<> asked_{0};
  net::FakeServer server_{[this](net::FakeConnection& c) {
    c.ReadRequest();
    asked_.release();
    c.WaitClosed();
  }};
};

// All that history is told of runs, as text.
class Told : public metadata::Recorder {
 public:
  void RecordRun(metadata::RunRecord record) override {
    const std::lock_guard lock(mutex_);
    text_ += record.message + record.parameters.dump();
    for (const auto& step : record.steps)
      for (const auto& input : step.inputs) text_ += " " + input.name + "=" + input.uri;
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

class Sources : public EngineTest {
 protected:
  Sources() {
    may_ask_ = [](const std::string&, const std::string&) -> Result<void> { return {}; };
  }
};

TEST_F(Sources, OfOneNamespaceThatNeverAnswerDelayNoOther) {
  std::vector<std::unique_ptr<SilentServer>> silent;
  std::vector<std::string> urls;
  for (int i = 0; i < 12; ++i) {
    silent.push_back(std::make_unique<SilentServer>());
    urls.push_back(silent.back()->url() + "/x");
  }
  net::FakeServer good([](net::FakeConnection& c) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 7\r\n\r\n");
  });
  StartEngine();
  Create(kube::kPipelineRuns, RunOf("storm", "storm", urls));
  silent[0]->AwaitRequest();
  silent[1]->AwaitRequest();
  Create(kube::kPipelineRuns, RunOf("team", "calm", {good.url() + "/x"}));
  const Json run = AwaitFinished("calm");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  int asked = 0;
  for (const auto& server : silent) asked += server->connections();
  EXPECT_EQ(asked, 2) << "more than its share was asked for one namespace, or it was not silent";
}

TEST_F(Sources, ThatNeverAnswerDelayNoReadOfTheStore) {
  SilentServer silent, also;
  StartEngine();
  Create(kube::kPipelineRuns, RunOf("team", "waits", {silent.url() + "/x", also.url() + "/x"}));
  silent.AwaitRequest();
  also.AwaitRequest();
  Create(kube::kPipelineRuns, RunOf("team", "first", {""}));
  EXPECT_EQ(StepOf(AwaitFinished("first"), "s0").value("cacheMiss", ""), "NotFound");
  EXPECT_EQ(ConditionOf(Get(kube::kPipelineRuns, "waits"), "Finished"), "False");
}

TEST_F(Sources, AreNotAskedAgainWhileTheyAreAsked) {
  SilentServer silent;
  StartEngine();
  Create(kube::kPipelineRuns, RunOf("team", "waits", {silent.url() + "/x"}));
  silent.AwaitRequest();
  for (int i = 0; i < 20; ++i)
    Patch(kube::kPipelineRuns, "waits",
          {{"metadata", {{"annotations", {{"n", std::to_string(i)}}}}}});
  Create(kube::kPipelineRuns, RunOf("team", "other", {""}));
  AwaitFinished("other");
  EXPECT_EQ(silent.connections(), 1);
}

TEST_F(Sources, OfARunThatWasDeletedAreNotAsked) {
  std::counting_semaphore<> asked(0), answer(0);
  const auto good = [](net::FakeConnection& c) {
    c.Send("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 7\r\n\r\n");
  };
  net::FakeServer slow([&](net::FakeConnection& c) {
    c.ReadRequest();
    asked.release();
    answer.acquire();
    good(c);
  });
  net::FakeServer quick([&](net::FakeConnection& c) {
    c.ReadRequest();
    good(c);
  });
  StartEngine();
  const std::string url = slow.url();
  Create(kube::kPipelineRuns,
         RunOf("team", "gone", {url + "/a", url + "/b", url + "/c", url + "/d"}));
  asked.acquire();
  asked.acquire();
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", "gone", {}, {}));
  Create(kube::kPipelineRuns, RunOf("team", "other", {""}));
  AwaitFinished("other");  // and so the deletion has been seen
  answer.release(2);
  Create(kube::kPipelineRuns, RunOf("team", "after", {quick.url() + "/x"}));
  AwaitFinished("after");
  answer.release(2);  // of those that were asked all the same
  EXPECT_EQ(slow.connections(), 2);
}

TEST_F(Sources, ThatMayNotBeAskedAreNamedInTheStepWithoutTheirSignature) {
  SilentServer inside;
  Told history;
  may_ask_ = {};
  StartEngine(nullptr, &history);
  std::string yaml = RunOf("team", "first", {"$(parameters.url)"});
  yaml.insert(yaml.find("  pipelineSpec:"),
              "  parameters: {url: \"" + inside.url() + "/x?sig=secret\"}\n");
  yaml.insert(yaml.find("    steps:"), "    parameters: [{name: url, type: string}]\n");
  Create(kube::kPipelineRuns, yaml);
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << "the step's own pod may ask";
  EXPECT_THAT(StepOf(run, "s0").value("cacheMiss", ""),
              AllOf(HasSubstr("SourceRefused: input 'data': "),
                    HasSubstr("the operator does not ask 127.0.0.1: it is a loopback address")));
  EXPECT_EQ(inside.connections(), 0);
  EXPECT_THAT(run["status"].dump(), Not(HasSubstr("secret")));
  for (const Json& pod : ListAll(kube::kPods)) {
    Json notes = pod["metadata"]["annotations"];
    notes.erase("penstock.dev/task");  // which the pod reads
    EXPECT_THAT(notes.dump(), Not(HasSubstr("secret")));
    EXPECT_THAT(notes.dump(), HasSubstr("/x?... "));
  }
  StopEngine();
  EXPECT_THAT(history.text(), AllOf(HasSubstr("data=" + inside.url() + "/x?..."),
                                    HasSubstr("/x?...\"}"), Not(HasSubstr("secret"))));
}

}  // namespace
}  // namespace penstock::controllers
