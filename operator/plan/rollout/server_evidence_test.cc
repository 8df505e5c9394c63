#include "operator/plan/rollout/server_evidence.h"

#include <gmock/gmock.h>

#include <limits>

#include "operator/plan/rollout/gate.h"

namespace penstock::rollout {
namespace {

using ::testing::HasSubstr;

constexpr TimePoint kStart{std::chrono::hours(24 * 365 * 30)};
constexpr double kAlpha = 0.001;

class GatesOfServers : public ::testing::Test {
 protected:
  GatesOfServers() {
    for (const std::int64_t version : {7, 8}) {
      ServerFact& s = servers_.emplace_back();
      s.pod = "v" + std::to_string(version);
      s.version = version;
      s.bounds = {0.001, 0.00125, 0.0016, 0.002, 0.0025, 0.00315, 0.004};
      s.queue.assign(8, 0);
      s.compute.assign(8, 0);
    }
  }
  ServerFact& stable() { return servers_[0]; }
  ServerFact& candidate() { return servers_[1]; }

  void Gate(const std::string& metric, const std::string& max, const std::string& ratio = "") {
    gate_ = {};
    gate_.metric = metric;
    gate_.max = max;
    gate_.max_ratio_to_stable = ratio;
    evidence_.Begin({7, 8, 1}, {gate_}, {kServersCheck});
  }
  void Look(const std::string& error = "") {
    now_ += Milliseconds(6'000);
    Measurement m{kServersCheck, now_, {}, false, error};
    if (error.empty()) m.servers = servers_;
    evidence_.Add(m);
    if (gate_.metric != api::kDrift) return;
    evidence_.Add(MeasureDrift(gate_, m.servers, 7, 8, now_));
  }
  Judgement Judged() { return Judge(gate_, evidence_, kAlpha); }

  TimePoint now_ = kStart;
  std::vector<ServerFact> servers_;
  api::GateSpec gate_;
  Evidence evidence_;
};

TEST_F(GatesOfServers, TellASlowComputationFromAFullQueue) {
  api::GateSpec queue;
  queue.metric = api::kQueueP95;
  queue.max_ratio_to_stable = "1.5";
  api::GateSpec compute = queue;
  compute.metric = api::kComputeP95;
  evidence_.Begin({7, 8, 1}, {queue, compute}, {kServersCheck});
  for (int slice = 0; slice < 40; ++slice) {
    stable().queue[1] += 100;
    stable().compute[1] += 100;
    candidate().queue[1] += 100;
    candidate().compute[5] += 100;  // three times as long
    Look();
  }
  EXPECT_EQ(Judge(queue, evidence_, kAlpha).verdict, Verdict::kPass);
  const Judgement slow = Judge(compute, evidence_, kAlpha);
  EXPECT_EQ(slow.verdict, Verdict::kFail);
  EXPECT_THAT(slow.status.message, HasSubstr("slices of time compared"));
}

TEST_F(GatesOfServers, HoldATimeInTheQueueAgainstABound) {
  Gate(api::kQueueP95, "2ms");
  Look();  // their zero
  candidate().queue[1] += 1'000;
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kPass);
  EXPECT_EQ(Judged().status.samples, 1'000);
  candidate().queue[6] += 1'000;
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kFail);
}

TEST_F(GatesOfServers, PassNothingThatWasNotMeasuredAndSayWhy) {
  for (const char* metric : {api::kQueueP95, api::kComputeP50}) {
    Gate(metric, "2ms");
    Look("pod flights-v8-x: connection refused");
    EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
    EXPECT_EQ(Judged().status.message, "pod flights-v8-x: connection refused");
  }
  Gate(api::kDrift, "0.25");
  Look("pod flights-v8-x: connection refused");
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
  EXPECT_THAT(Judged().status.message, HasSubstr("could not be asked"));
}

TEST_F(GatesOfServers, CountAServerThatBeganAgainFromZero) {
  Gate(api::kQueueP95, "2ms");
  candidate().queue[0] = 5'000;
  Look();
  candidate().queue[0] = 40;
  Look();
  EXPECT_EQ(Judged().status.samples, 40);
}

TEST_F(GatesOfServers, CountAServerThatBeganAgainAndHasCountedMoreSinceThen) {
  Gate(api::kQueueP95, "2ms");
  candidate().queue[0] = 50;
  Look();
  candidate().queue[0] = 0;
  candidate().queue[6] = 400;  // all of them slow
  Look();
  EXPECT_EQ(Judged().status.samples, 400);
  EXPECT_EQ(Judged().verdict, Verdict::kFail);
}

// Else each look is a trial of its own, of which one fails by chance sooner or later.
TEST_F(GatesOfServers, LoseNothingToAStableVersionWithBucketsOfAnEarlierRelease) {
  Gate(api::kQueueP95, "2ms");
  stable().bounds = {0.001, 0.01};
  stable().queue = stable().compute = {0, 0, 0};
  Look();
  for (int look = 0; look < 10; ++look) {
    stable().queue[1] += 500;
    candidate().queue[1] += 100;
    Look();
  }
  EXPECT_EQ(Judged().status.samples, 1'000);
  EXPECT_EQ(Judged().verdict, Verdict::kPass);
  Gate(api::kQueueP95, "", "1.5");
  for (int look = 0; look < 20; ++look) {
    stable().queue[1] += 500;
    candidate().queue[1] += 100;
    Look();
  }
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
}

TEST(ServersAsRouters, ThatBeganAgainLoseNoErrors) {
  ServerFact server;
  server.pod = "a";
  server.version = 8;
  server.answered.requests = 100;
  server.answered.server_errors = 50;
  Evidence evidence;
  evidence.Begin({7, 8, 1}, {});
  evidence.Look(AsRouters({server}), kStart);
  server.answered.requests = 120;
  server.answered.server_errors = 40;
  evidence.Look(AsRouters({server}), kStart);
  EXPECT_EQ(evidence.candidate().requests, 120);
  EXPECT_EQ(evidence.candidate().server_errors, 40);
}

TEST_F(GatesOfServers, KnowNoDriftOfFewRows) {
  Gate(api::kDrift, "0.25");
  candidate().drift_rows = 999;
  candidate().drift = {{"input hour", 0.01}};
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
  EXPECT_THAT(Judged().status.message, HasSubstr("have 999 of the 1000 rows"));
  candidate().drift_rows = 1'000;
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kPass);
  EXPECT_EQ(Judged().status.samples, 1'000);
}

TEST_F(GatesOfServers, KnowNoDriftOfAModelWithoutStatistics) {
  Gate(api::kDrift, "0.25");
  candidate().drift_rows = 5'000;
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
  EXPECT_THAT(Judged().status.message, HasSubstr("no statistics of its training"));
  candidate().drift = {{"input hour", std::numeric_limits<double>::quiet_NaN()}};
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
}

TEST_F(GatesOfServers, FailAfterSeveralMeasurementsOfDriftInARow) {
  Gate(api::kDrift, "0.25");
  candidate().drift_rows = 5'000;
  candidate().drift = {{"input hour", 0.1}, {"output late", 0.4}};
  Look();
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
  Look();
  const Judgement j = Judged();
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_EQ(j.status.value, "0.4");
  EXPECT_THAT(j.status.message, HasSubstr("most in output late 0.4 of 5000 rows"));
}

TEST_F(GatesOfServers, ForgetAGoodMeasurementOfDriftWhenServersFallSilent) {
  Gate(api::kDrift, "0.25");
  candidate().drift_rows = 5'000;
  candidate().drift = {{"input hour", 0.1}};
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kPass);
  Look("pod flights-v8-x: connection refused");
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
}

TEST_F(GatesOfServers, CompareDriftWithTheStableVersionsOfTheSameRequests) {
  Gate(api::kDrift, "", "1.5");
  candidate().drift_rows = 5'000;
  candidate().drift = {{"input hour", 0.6}};
  Look();
  EXPECT_THAT(Judged().status.message, HasSubstr("the stable version's servers tell no drift"));
  stable().drift_rows = 9'000;
  stable().drift = {{"input hour", 0.5}};
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kPass);
  EXPECT_EQ(Judged().status.value, "1.2");
  stable().drift = {{"input hour", 0.001}};  // counts as 0.1
  candidate().drift = {{"input hour", 0.12}};
  Look();
  EXPECT_EQ(Judged().verdict, Verdict::kPass);
}

TEST_F(GatesOfServers, WeighServersByTheirRows) {
  Gate(api::kDrift, "0.25");
  candidate().drift_rows = 9'000;
  candidate().drift = {{"input hour", 0.1}};
  ServerFact few = candidate();
  few.pod = "v8-b";
  few.drift_rows = 1'000;
  few.drift = {{"input hour", 1.1}};
  servers_.push_back(few);
  Look();
  EXPECT_EQ(Judged().status.value, "0.2");
  EXPECT_EQ(Judged().status.samples, 10'000);
}

}  // namespace
}  // namespace penstock::rollout
