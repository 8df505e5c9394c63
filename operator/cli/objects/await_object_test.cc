#include "operator/cli/objects/await_object.h"

#include <gmock/gmock.h>

#include "operator/base/json.h"
#include "operator/kube/forwarding_client.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"

namespace penstock::cli {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Gets fail as they are told to, one after another; watches are refused.
class UnwillingClient : public kube::ForwardingClient {
 public:
  using ForwardingClient::ForwardingClient;
  Result<void> Watch(const kube::ResourceType&, const std::string&, const kube::WatchOptions&,
                     const kube::WatchSink&, std::stop_token) override {
    ++watches;
    if (watch_ends) return {};
    return Error{ErrorKind::kForbidden, "no right to watch"};
  }
  std::vector<Error> failures;  // of Gets, the last first
  int gets = 0;
  int watches = 0;
  bool watch_ends = false;

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType&) override {
    ++gets;
    if (failures.empty()) return {};
    Error error = failures.back();
    failures.pop_back();
    return error;
  }
};

class ReadUntilTest : public ::testing::Test {
 protected:
  ReadUntilTest() {
    EXPECT_TRUE(cluster_.Create(kube::kConfigMaps, "default",
                                {{"metadata", {{"name", "c"}}}, {"data", {{"n", "0"}}}}));
    options_.say = [this](const std::string& text) { said_.push_back(text); };
    options_.pause = [this](milliseconds pause) {
      pauses_.push_back(pause);
      return pauses_.size() < 50;
    };
  }
  Result<Json> Read(int looks) {
    return ReadUntil(
        client_, kube::kConfigMaps, "default", name_, [&](const Json&) { return --looks == 0; },
        options_);
  }

  SystemClock clock_;
  local::MemoryCluster cluster_{clock_};
  UnwillingClient client_{cluster_};
  AwaitOptions options_;
  std::string name_ = "c";
  std::vector<std::string> said_;
  std::vector<milliseconds> pauses_;
};

TEST_F(ReadUntilTest, AWatchThatIsRefusedOrEndsAtOnceIsNotAskedForInAHotLoop) {
  for (const bool ends : {false, true}) {
    client_.watch_ends = ends;
    pauses_.clear();
    said_.clear();
    ASSERT_TRUE(Read(8));
    EXPECT_EQ(pauses_.size(), 7U) << "a try without a pause";
    EXPECT_GE(pauses_.front(), milliseconds(250));
    EXPECT_GE(pauses_.back(), milliseconds(2'500)) << "the pauses do not grow";
    EXPECT_LE(pauses_.back(), milliseconds(5'000));
    EXPECT_THAT(said_, ElementsAre(HasSubstr(ends ? "ends at once" : "no right to watch")));
  }
}

TEST_F(ReadUntilTest, ARefusedGetThatPassesByItselfDoesNotEndIt) {
  const Error down = Transient("the server is down");
  const Error forbidden{ErrorKind::kForbidden, "who are you?"};
  client_.failures = {down, forbidden, forbidden, down, down, down, down, down, down, down};
  EXPECT_TRUE(Read(1));
  EXPECT_EQ(client_.gets, 11);
  EXPECT_THAT(said_,
              ElementsAre("c: the server is down", "c: who are you?", "c: the server is down"));
}

TEST_F(ReadUntilTest, EndsWithWhatCannotHeal) {
  client_.failures.assign(100, Error{ErrorKind::kForbidden, "no"});
  const auto refused = Read(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kForbidden);
  EXPECT_EQ(client_.gets, 5);

  client_.failures.clear();
  client_.gets = 0;
  name_ = "gone";
  EXPECT_EQ(Read(1).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(client_.gets, 1);
}

TEST_F(ReadUntilTest, EndsWhenItIsStopped) {
  std::stop_source stop;
  options_.stop = stop.get_token();
  options_.pause = [&](milliseconds) {
    stop.request_stop();
    return false;
  };
  EXPECT_EQ(Read(100).error().kind, ErrorKind::kCancelled);
}

}  // namespace
}  // namespace penstock::cli
