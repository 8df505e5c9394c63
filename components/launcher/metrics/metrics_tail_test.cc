#include "components/launcher/metrics/metrics_tail.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace penstock::launcher {
namespace {
namespace fs = std::filesystem;

class MetricsTailTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(file_.parent_path());
    fs::remove(file_);
  }
  MetricsTail::Put Keep() {
    return [this](const std::string& text) -> Result<void> {
      const std::lock_guard lock(mutex_);
      ++puts_;
      if (fail_ > 0) {
        --fail_;
        return Transient("the store is away");
      }
      text_ = text;
      put_.notify_all();
      return {};
    };
  }
  std::function<void(const std::string&)> Hear() {
    return [this](const std::string& text) { heard_ += text; };
  }
  StepMetrics Seen() {
    const std::lock_guard lock(mutex_);
    auto parsed = StepMetrics::Parse(text_);
    EXPECT_TRUE(parsed) << text_;
    return parsed ? *parsed : StepMetrics();
  }
  const fs::path file_ = fs::path(testing::TempDir()) / "metrics_tail" / "metrics.jsonl";
  std::mutex mutex_;
  std::condition_variable put_;
  std::string text_, heard_;
  int puts_ = 0, fail_ = 0;
};

TEST_F(MetricsTailTest, APointIsSeenWhileTheProgramGoesOn) {
  MetricsTail tail(file_, Keep(), Hear(), std::chrono::milliseconds(5));
  tail.Start();
  std::ofstream out(file_);
  out << R"({"name":"loss","step":1,"value":0.5})"
      << "\n"
      << std::flush;
  {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(put_.wait_for(lock, std::chrono::seconds(20), [&] { return !text_.empty(); }));
  }
  EXPECT_EQ(Seen().series().at("loss").size(), 1U);
  out << R"({"name":"loss","step":2,"value":0.4})" << std::flush;  // its end never comes
  tail.Finish();
  EXPECT_EQ(Seen().series().at("loss").size(), 2U);
}

TEST_F(MetricsTailTest, WhatDidNotComeThroughIsToldAgainAtTheEnd) {
  fail_ = 1;
  std::ofstream(file_) << R"({"progress":{"done":1,"total":2}})"
                       << "\n";
  MetricsTail tail(file_, Keep(), Hear(), std::chrono::hours(1));
  tail.Start();
  tail.Finish();
  EXPECT_EQ(puts_, 2);
  EXPECT_EQ(heard_, "metrics are not shown for now: the store is away");
  EXPECT_EQ(Seen().progress()->done, 1);
}

TEST_F(MetricsTailTest, ALinkAPipeOrNoFileIsNotRead) {
  for (const char* kind : {"none", "link", "pipe"}) {
    fs::remove(file_);
    if (kind == std::string("link")) fs::create_symlink("/etc/passwd", file_);
    if (kind == std::string("pipe")) {
      ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
    }
    MetricsTail tail(file_, Keep(), Hear(), std::chrono::milliseconds(1));
    tail.Start();
    tail.Finish();
    EXPECT_EQ(puts_, 0) << kind;
  }
}

TEST_F(MetricsTailTest, ALineWithoutEndTakesNoMemory) {
  {
    std::ofstream out(file_);
    for (int i = 0; i < 100; ++i) out << std::string(10'000, 'x');
    out << "\n"
        << R"({"name":"after","value":1})"
        << "\n";
  }
  MetricsTail tail(file_, Keep(), Hear(), std::chrono::hours(1));
  tail.Start();
  tail.Finish();
  EXPECT_EQ(Seen().series().count("after"), 1U);
  EXPECT_EQ(Seen().ignored(), 1U);
}

}  // namespace
}  // namespace penstock::launcher
