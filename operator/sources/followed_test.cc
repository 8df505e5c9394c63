#include "operator/sources/followed.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace penstock::sources {
namespace {

class FakeClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return {}; }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override { return now; }
  std::chrono::steady_clock::time_point now{std::chrono::hours(1)};
};

class FollowedSource : public ::testing::Test {
 protected:
  ~FollowedSource() override { std::filesystem::remove(file_); }
  void Write(const std::string& text) { std::ofstream(file_) << text; }
  std::string Digest() { return followed_.DigestOf("ns", "ns/p", uri_, std::chrono::minutes(5)); }
  // What was submitted is done.
  void Work() {
    auto work = std::move(work_);
    work_.clear();
    for (auto& w : work) w();
  }

  const std::filesystem::path file_ =
      std::filesystem::path(testing::TempDir()) / ("followed-" + std::to_string(getpid()));
  const std::string uri_ = "file://" + file_.string();
  FakeClock clock_;
  Fingerprints fingerprints_{{.local_files = true}, clock_};
  std::vector<std::function<void()>> work_;
  std::vector<std::string> woken_;
  Followed followed_{
      fingerprints_, clock_,
      [this](const std::string&, std::function<void()> w) { work_.push_back(std::move(w)); },
      [this](const std::string& key) { woken_.push_back(key); }};
};

TEST_F(FollowedSource, IsAskedOnceAnIntervalAndWakesWhoFollowsItWhenItIsAnother) {
  Write("one");
  EXPECT_EQ(Digest(), "");
  EXPECT_EQ(Digest(), "");
  ASSERT_EQ(work_.size(), 1U) << "it is asked already";
  Work();
  const std::string first = Digest();
  EXPECT_TRUE(first.starts_with("sha256:"));
  EXPECT_EQ(woken_.size(), 1U);
  Write("two");
  EXPECT_EQ(Digest(), first);
  EXPECT_TRUE(work_.empty());
  EXPECT_EQ(followed_.NextAsk("ns/p"), std::chrono::minutes(5));
  clock_.now += std::chrono::minutes(5);
  EXPECT_EQ(Digest(), first);
  Work();
  EXPECT_NE(Digest(), first);
  EXPECT_EQ(woken_.size(), 2U);
  clock_.now += std::chrono::minutes(5);
  EXPECT_NE(Digest(), "");
  Work();
  EXPECT_EQ(woken_.size(), 2U) << "it is the same";
}

TEST_F(FollowedSource, ThatCannotBeAskedKeepsWhatWasKnown) {
  Write("one");
  (void)Digest();
  Work();
  const std::string first = Digest();
  std::filesystem::remove(file_);
  clock_.now += std::chrono::minutes(5);
  (void)Digest();
  Work();
  EXPECT_EQ(Digest(), first);
}

// A server that took longer than the interval had its Pipeline looked at ten times a second.
TEST_F(FollowedSource, IsLookedAtEveryFiveSecondsWhileItIsAskedHoweverLong) {
  Write("one");
  (void)Digest();
  EXPECT_EQ(followed_.NextAsk("ns/p"), std::chrono::seconds(5));
  clock_.now += std::chrono::hours(1);
  EXPECT_EQ(Digest(), "");
  EXPECT_EQ(work_.size(), 1U) << "it is asked already";
  EXPECT_EQ(followed_.NextAsk("ns/p"), std::chrono::seconds(5));
  Work();
  EXPECT_NE(Digest(), "");
  EXPECT_EQ(followed_.NextAsk("ns/p"), std::chrono::minutes(5));
}

TEST_F(FollowedSource, IsAskedAgainWhereAskingEndedWithAnException) {
  Fingerprints broken{
      {.may_ask = [](auto&&...) -> Result<void> { throw std::runtime_error("a bug"); }}, clock_};
  Followed followed{broken, clock_,
                    [this](const std::string&, std::function<void()> w) { work_.push_back(w); },
                    [](const std::string&) {}};
  const auto ask = [&] {
    (void)followed.DigestOf("ns", "ns/p", "http://127.0.0.1:1/", std::chrono::minutes(5));
  };
  ask();
  ASSERT_EQ(work_.size(), 1U);
  EXPECT_THROW(work_[0](), std::runtime_error);
  clock_.now += std::chrono::minutes(5);
  ask();
  EXPECT_EQ(work_.size(), 2U) << "it was never asked again";
}

TEST_F(FollowedSource, ThatNobodyFollowsAnyMoreIsForgotten) {
  Write("one");
  (void)Digest();
  followed_.KeepOnly("ns/p", {});
  Work();
  EXPECT_TRUE(woken_.empty());
  EXPECT_EQ(followed_.NextAsk("ns/p"), std::nullopt);
}

}  // namespace
}  // namespace penstock::sources
