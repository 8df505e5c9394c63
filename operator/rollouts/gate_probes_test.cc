#include "operator/rollouts/gate_probes.h"

#include <gmock/gmock.h>

#include "operator/net/testing/fake_server.h"

namespace penstock::rollouts {
namespace {

class Probes : public ::testing::Test {
 protected:
  Probes() {
    options_.submit = [this](const std::string&, std::function<void()> work) {
      work_.push_back(std::move(work));
    };
    options_.local = true;
  }
  static api::GateSpec Gate(const std::string& url) {
    api::GateSpec gate;
    gate.name = "smoke";
    gate.http = api::HttpGate{url, 200, ""};
    return gate;
  }

  SystemClock clock_;
  std::vector<std::function<void()>> work_;
  std::vector<std::string> woken_;
  GateProbeOptions options_;
};

TEST_F(Probes, MeasureEachGateOnceAtATimeAndWakeWhoAsked) {
  net::FakeServer server([](net::FakeConnection& c) {
    (void)c.ReadRequest();
    c.Answer(200, "fine");
  });
  GateProbes probes(options_, clock_,
                    [this](const std::string& key, Milliseconds) { woken_.push_back(key); });
  probes.Ask("team", "team/flights", Gate(server.url() + "/"), std::nullopt, 8, "asked so");
  probes.Ask("team", "team/flights", Gate(server.url() + "/"), std::nullopt, 9);
  ASSERT_EQ(work_.size(), 1U);
  EXPECT_TRUE(probes.Take("team/flights").empty());
  work_[0]();
  EXPECT_THAT(woken_, testing::ElementsAre("team/flights"));
  const auto measured = probes.Take("team/flights");
  ASSERT_EQ(measured.size(), 1U);
  EXPECT_EQ(measured[0].gate, "smoke");
  EXPECT_EQ(measured[0].version, 8) << "whoever takes it knows of which candidate it is";
  EXPECT_EQ(measured[0].mark, "asked so");
  EXPECT_TRUE(measured[0].good) << measured[0].error;
  EXPECT_TRUE(probes.Take("team/flights").empty());
  probes.Ask("team", "team/flights", Gate(server.url() + "/"));
  EXPECT_EQ(work_.size(), 2U);
}

TEST_F(Probes, DropWhatIsMeasuredForWhoIsGone) {
  GateProbes probes(options_, clock_,
                    [this](const std::string& key, Milliseconds) { woken_.push_back(key); });
  probes.Ask("team", "team/flights", Gate("http://127.0.0.1:1/"));
  probes.Forget("team/flights");
  work_[0]();
  EXPECT_TRUE(woken_.empty());
  EXPECT_TRUE(probes.Take("team/flights").empty());
}

// Without a policy of its own it asks nothing that every policy forbids.
TEST_F(Probes, InAClusterAskNoAddressOfTheOperatorsOwnMachine) {
  options_.local = false;
  GateProbes probes(options_, clock_, [](const std::string&, Milliseconds) {});
  probes.Ask("team", "team/flights", Gate("http://127.0.0.1:1/"));
  work_[0]();
  const auto measured = probes.Take("team/flights");
  ASSERT_EQ(measured.size(), 1U);
  EXPECT_THAT(measured[0].error, testing::HasSubstr("127.0.0.1"));
  EXPECT_FALSE(measured[0].good);
}

}  // namespace
}  // namespace penstock::rollouts
