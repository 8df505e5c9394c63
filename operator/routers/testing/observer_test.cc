#include "operator/routers/observer.h"

#include <gmock/gmock.h>

#include <atomic>

#include "operator/routers/testing/router_pod.h"

namespace penstock::routers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class StandingClock : public SystemClock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override { return now_; }
  void Pass(Milliseconds time) { now_ += time; }

 private:
  std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
};

// Work waits until the test lets it be done.
class Observers : public ::testing::Test {
 protected:
  void Ready(const std::string& name, bool ready = true) { NotePod(pods_, name, ready); }
  void DoWork() {
    auto work = std::exchange(work_, {});
    for (const auto& one : work) one();
  }
  // The names of those that answered, and of those that did not after a minus.
  std::vector<std::string> Look(const std::string& key, Milliseconds max_age = Milliseconds(1000)) {
    const auto answers = observer_.Look("team", key, max_age);
    if (!answers) return {"asked"};
    std::vector<std::string> names;
    for (const RouterAnswer& answer : *answers)
      names.push_back((answer.said == nullptr ? "-" : "") + answer.pod.name);
    return names;
  }

  StandingClock clock_;
  RouterPods pods_;
  std::vector<std::function<void()>> work_;
  std::vector<std::string> woken_;
  std::function<Result<std::string>(const RouterPod&)> answer_ = [](const RouterPod&) {
    return std::string(R"({"startedAt": "t", "generation": {"flights": "7"}})");
  };
  Observer observer_{
      pods_, clock_,
      [this](const std::string&, std::function<void()> w) { work_.push_back(std::move(w)); },
      [this](const RouterPod& pod) { return answer_(pod); },
      [this](const std::string& key) { woken_.push_back(key); }};
};

TEST_F(Observers, AskAllInOneRoundAndWakeEverybodyWhoWaits) {
  Ready("1");
  Ready("2");
  EXPECT_THAT(Look("a"), ElementsAre("asked"));
  EXPECT_THAT(Look("b"), ElementsAre("asked"));
  EXPECT_EQ(work_.size(), 2U);
  EXPECT_THAT(woken_, IsEmpty());
  DoWork();
  EXPECT_THAT(woken_, UnorderedElementsAre("a", "b"));
  EXPECT_THAT(Look("a"), ElementsAre("1", "2"));
  EXPECT_THAT(work_, IsEmpty());
  clock_.Pass(Milliseconds(1001));
  EXPECT_THAT(Look("a"), ElementsAre("asked"));
}

TEST_F(Observers, BelieveARoundHoweverLongItTook) {
  Ready("1");
  Look("a");
  clock_.Pass(Milliseconds(5000));
  DoWork();
  EXPECT_THAT(Look("a"), ElementsAre("1"));
}

TEST_F(Observers, HaveNobodyToAskWithoutARouterThatIsReady) {
  EXPECT_THAT(Look("a"), IsEmpty());
  Ready("1", false);
  EXPECT_THAT(Look("a"), IsEmpty());
  EXPECT_THAT(work_, IsEmpty());
}

TEST_F(Observers, AskARouterThatHasBecomeReadyWhateverTheAgeOfTheOthersAnswers) {
  Ready("1");
  Look("a");
  DoWork();
  Ready("2");
  EXPECT_THAT(Look("a"), ElementsAre("asked"));
  DoWork();
  EXPECT_THAT(Look("a"), ElementsAre("1", "2"));
  Ready("1", false);
  EXPECT_THAT(Look("a"), ElementsAre("2"));
}

TEST_F(Observers, TellOfThoseThatDoNotAnswer) {
  Ready("1");
  Ready("2");
  Ready("3");
  answer_ = [](const RouterPod& pod) -> Result<std::string> {
    if (pod.name == "1") return Transient("refused");
    if (pod.name == "2") return std::string("<html>");
    return std::string("{}");
  };
  Look("a");
  DoWork();
  EXPECT_THAT(Look("a"), ElementsAre("-1", "-2", "3"));
  const auto answers = observer_.Look("team", "a", Milliseconds(1000)).value();
  EXPECT_EQ(answers[0].trouble, "refused");
  EXPECT_EQ(FactsOf(answers, "flights").size(), 1U);
}

TEST_F(Observers, TellOfRoutersThatAreNotAsked) {
  for (int i = 0; i < 32; ++i) Ready(std::to_string(i));
  EXPECT_EQ(observer_.NotAsked("team"), 0);
  Ready("32");
  Look("a");
  EXPECT_EQ(work_.size(), 32U);
  EXPECT_EQ(observer_.NotAsked("team"), 1);
  EXPECT_EQ(observer_.NotAsked("another"), 0);
}

TEST_F(Observers, EndTheRoundOfAnAnswerThatThrows) {
  Ready("1");
  answer_ = [](const RouterPod&) -> Result<std::string> { throw std::runtime_error("a bug"); };
  Look("a");
  EXPECT_THROW(DoWork(), std::runtime_error);
  EXPECT_THAT(woken_, ElementsAre("a"));
  EXPECT_THAT(Look("a"), ElementsAre("-1"));
}

TEST_F(Observers, FactsAreThoseOfOneModelDeploymentAndOfThisStartOfTheRouter) {
  Ready("1");
  Look("a");
  DoWork();
  const auto answers = observer_.Look("team", "a", Milliseconds(1000)).value();
  const auto facts = FactsOf(answers, "flights");
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].acknowledged, "7");
  EXPECT_EQ(facts[0].pod, "1");
  EXPECT_EQ(facts[0].run, "1-uid/t");
  EXPECT_TRUE(facts[0].ready);
  EXPECT_EQ(FactsOf(answers, "another")[0].acknowledged, "");
}

}  // namespace
}  // namespace penstock::routers
