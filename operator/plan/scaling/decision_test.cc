// Decisions one by one, and whole hours of simulated load.
#include "operator/plan/scaling/decision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <random>
#include <vector>

namespace penstock::scaling {
namespace {

using std::chrono::seconds;

// One router, looked at every ten seconds; the test says what is under way meanwhile.
class Scaling : public ::testing::Test {
 protected:
  Scaling() { rules_ = {.min = 1, .max = 10, .target = 0.7, .concurrency = 1}; }

  // As the operator does: ten seconds of `in_flight` on average, `asked` of them requests.
  Decision Look(double in_flight, int asked = 1) {
    clock_ += seconds(10);
    sampled_ += 10;
    in_flight_seconds_ += 10 * in_flight;
    asked_ += asked;
    return Look();
  }
  Decision Look() {
    rollout::RouterFact router;
    router.run = "r";
    router.sampled_seconds = sampled_;
    router.held = held_;
    router.versions.resize(1);
    router.versions[0].version = 1;
    router.versions[0].asked = asked_;
    router.versions[0].in_flight_seconds = in_flight_seconds_;
    Sight sight;
    if (!silent_) sight.routers = {router};
    sight.ready_routers = another_is_silent_ ? 2 : 1;
    sight.replicas = replicas_;
    sight.available = available_;
    sight.serving = serving_.value_or(available_ ? replicas_ : 0);
    sight.by_routers = by_routers_;
    sight.clock = clock_;
    load_.Look(sight);
    last_ = Decide(rules_, load_, replicas_, may_be_none_, clock_);
    replicas_ = last_.replicas;
    return last_;
  }
  int After(int looks, double in_flight, int asked = 1) {
    for (int i = 0; i < looks; ++i) Look(in_flight, asked);
    return replicas_;
  }

  Rules rules_;
  Load load_;
  Decision last_;
  int replicas_ = 1;
  int held_ = 0;
  std::int64_t asked_ = 0;
  bool available_ = true;
  bool silent_ = false;
  bool another_is_silent_ = false;
  bool by_routers_ = true;
  std::optional<int> serving_;
  bool may_be_none_ = true;
  Milliseconds clock_{1'000'000};
  double sampled_ = 500;
  double in_flight_seconds_ = 100;
};

TEST_F(Scaling, AddsServersForHalfAMinuteAboveTheTargetAndSaysWhy) {
  EXPECT_EQ(After(3, 1.2), 1);
  EXPECT_EQ(After(1, 1.2), 2);  // 1.2 of 0.7
  EXPECT_EQ(last_.why, "120% busy in half a minute, and 70% are meant");
  EXPECT_EQ(After(30, 1.2), 2);
}

TEST_F(Scaling, AddsThemAtTheNextLookForABurst) {
  After(2, 0.3);
  EXPECT_EQ(After(1, 2.5), 4);
  EXPECT_EQ(last_.why, "250% busy in the last look, and 70% are meant");
}

TEST_F(Scaling, AtMostDoublesOrAddsFourAtATime) {
  rules_.max = 100;
  After(1, 0);
  EXPECT_EQ(After(1, 90), 5);
  EXPECT_EQ(After(2, 90), 10);
  EXPECT_EQ(After(2, 90), 20);
}

TEST_F(Scaling, WaitsForTheLastOnesBeforeItAddsMore) {
  After(1, 0);
  EXPECT_EQ(After(1, 9), 5);
  available_ = false;
  EXPECT_EQ(After(11, 20), 5);  // they load a model
  available_ = true;
  Look(20);
  EXPECT_EQ(After(1, 20), 10);
}

TEST_F(Scaling, GoesOnWithServersThatDoNotComeUp) {
  After(1, 0);
  After(1, 9);
  available_ = false;
  EXPECT_EQ(After(16, 20), 10);
}

TEST_F(Scaling, TakesServersAwayAfterFiveMinutesAndOnlyThoseThatWouldNotComeBack) {
  replicas_ = 10;
  EXPECT_EQ(After(30, 0.8), 10);
  EXPECT_EQ(After(1, 0.8), 2);  // one would be busy for 0.8 of the time, and a queue before it
  EXPECT_EQ(last_.why, "at most 8% busy for five minutes");
  EXPECT_EQ(After(100, 0.8), 2);
}

TEST_F(Scaling, KeepsThemForOneLookThatNeededThem) {
  replicas_ = 10;
  After(20, 0.8);
  Look(6.5);  // 65% of ten, and nine would have a queue
  EXPECT_EQ(After(29, 0.8), 10);
  EXPECT_EQ(After(1, 0.8), 2);
}

TEST_F(Scaling, KeepsThemWhileARouterIsSilent) {
  replicas_ = 5;
  After(20, 0.1);
  silent_ = true;
  EXPECT_EQ(After(40, 0.1, 0), 5);
  rules_.min = 0;
  EXPECT_EQ(After(100, 0, 0), 5);
}

// It may hold a request, and can tell nobody.
TEST_F(Scaling, WakesOneWhenARouterDoesNotAnswerAMoment) {
  rules_.min = 0;
  replicas_ = 0;
  EXPECT_EQ(Look(0, 0).replicas, 0);
  EXPECT_FALSE(last_.look_again);
  another_is_silent_ = true;
  EXPECT_EQ(Look(0, 0).replicas, 0);
  EXPECT_EQ(last_.look_again, seconds(10));
  clock_ += seconds(4);
  EXPECT_EQ(Look().replicas, 0);
  EXPECT_EQ(last_.look_again, seconds(6));
  clock_ += seconds(6);
  EXPECT_EQ(Look().replicas, 1);
  EXPECT_EQ(last_.why, "a router does not answer");
}

TEST_F(Scaling, CountsTheSilenceOfARouterAnewWhenItHasAnswered) {
  rules_.min = 0;
  replicas_ = 0;
  for (int i = 0; i < 20; ++i) {
    another_is_silent_ = i % 2 == 0;
    clock_ += seconds(8);
    EXPECT_EQ(Look().replicas, 0);
  }
}

TEST_F(Scaling, TakesNoServersAwayWhileTheyAreDown) {
  replicas_ = 5;
  After(3, 3);
  available_ = false;
  EXPECT_EQ(After(100, 0, 0), 5);
  available_ = true;
  EXPECT_EQ(After(30, 3), 5);  // they were down at the first of these
}

TEST_F(Scaling, TakesNoMoreAwayThanThoseThatAnsweredCouldSpare) {
  replicas_ = 10;
  available_ = false;
  serving_ = 1;
  EXPECT_EQ(After(60, 0.8), 10);  // two are needed
  serving_ = 8;                   // there is no room for the others, and there may never be
  EXPECT_EQ(After(31, 0.8), 2);
}

TEST_F(Scaling, CountsRequestsThatWaitForAServer) {
  replicas_ = 5;
  held_ = 3;
  EXPECT_EQ(After(40, 0, 0), 5);
  held_ = 0;
  EXPECT_EQ(After(40, 0, 0), 1);
}

TEST_F(Scaling, AddsServersWhileARouterIsSilent) {
  After(1, 0.3);
  another_is_silent_ = true;
  EXPECT_EQ(After(2, 1.2), 1);
  EXPECT_EQ(After(1, 1.2), 2);
  EXPECT_EQ(After(1, 0.1), 2);
  EXPECT_EQ(After(1, 9), 6);
  EXPECT_EQ(After(60, 0.1), 6);  // and takes none away
}

TEST_F(Scaling, TakesNoneAwayUntilAllRoutersHaveAnsweredForFiveMinutes) {
  replicas_ = 5;
  After(29, 0.1);
  another_is_silent_ = true;
  After(1, 0.1);
  another_is_silent_ = false;
  EXPECT_EQ(After(29, 0.1), 5);
  EXPECT_EQ(After(1, 0.1), 1);
}

TEST_F(Scaling, HearsNothingOfRoutersPastWhichRequestsCome) {
  rules_.min = 0;
  rules_.idle_after = seconds(60);
  replicas_ = 5;
  by_routers_ = false;
  EXPECT_EQ(After(100, 0, 0), 5);
  by_routers_ = true;
  EXPECT_EQ(After(1, 3), 5);
  EXPECT_EQ(After(29, 3), 5);
}

TEST_F(Scaling, TakesARouterOfAnEarlierReleaseForSilent) {
  replicas_ = 5;
  rules_.min = 0;
  rules_.idle_after = seconds(60);
  sampled_ = -1e6;  // what it does not say is 0 or less
  EXPECT_EQ(After(40, 0, 0), 5);
}

TEST_F(Scaling, StaysWithinItsBoundsAtOnce) {
  rules_.min = 3;
  EXPECT_EQ(Look(0.1).replicas, 3);
  rules_.max = 4;
  replicas_ = 9;
  EXPECT_EQ(Look(0.1).replicas, 4);
  EXPECT_EQ(After(200, 0), 3);
}

TEST_F(Scaling, LetsAllServersGoWhenNobodyHasAskedForTheTime) {
  rules_.min = 0;
  rules_.idle_after = seconds(60);
  After(1, 0.1);
  EXPECT_EQ(After(5, 0, 0), 1);
  EXPECT_EQ(last_.look_again, seconds(10));
  EXPECT_EQ(After(1, 0, 0), 0);
  EXPECT_EQ(last_.why, "nobody has asked for 1m");
  EXPECT_FALSE(last_.look_again);
}

TEST_F(Scaling, AsksAgainWhenTheTimeIsOver) {
  rules_.min = 0;
  rules_.idle_after = seconds(14);
  After(1, 0.1);
  Look(0, 0);
  EXPECT_EQ(last_.look_again, seconds(4));
}

TEST_F(Scaling, DoesNotLetThemGoUnderARequestThatTakesLong) {
  rules_.min = 0;
  rules_.idle_after = seconds(60);
  rollout::RouterFact router;
  router.run = "r";
  router.sampled_seconds = 1;
  router.versions.resize(1);
  router.versions[0].in_flight = 1;
  for (int i = 0; i < 30; ++i) {
    clock_ += seconds(10);
    router.sampled_seconds += 10;
    load_.Look({{router}, 1, 1, true, 1, clock_});
    EXPECT_EQ(Decide(rules_, load_, 1, true, clock_).replicas, 1);
  }
}

TEST_F(Scaling, KeepsOneWhileAVersionComesIn) {
  rules_.min = 0;
  rules_.idle_after = seconds(60);
  may_be_none_ = false;
  EXPECT_EQ(After(30, 0, 0), 1);
  may_be_none_ = true;
  EXPECT_EQ(After(1, 0, 0), 0);
  may_be_none_ = false;
  EXPECT_EQ(Look(0, 0).replicas, 1);
}

TEST_F(Scaling, WakesOneForARequestThatIsHeld) {
  rules_.min = 0;
  rules_.max = 10;
  replicas_ = 0;
  EXPECT_EQ(Look(0, 0).replicas, 0);
  held_ = 50;  // how many they are is known when one has answered some
  EXPECT_EQ(Look().replicas, 1);
  EXPECT_EQ(last_.why, "a request waits");
}

// A model that takes longer to load than idle_after would never come up.
TEST_F(Scaling, DoesNotCountTheTimeInWhichAServerComesUp) {
  rules_.min = 0;
  rules_.idle_after = seconds(30);
  replicas_ = 0;
  held_ = 1;
  Look();
  available_ = false;
  After(5, 0, 0);
  held_ = 0;  // its time is over
  EXPECT_EQ(After(30, 0, 0), 1);
  available_ = true;
  EXPECT_EQ(After(2, 0, 0), 1);
  EXPECT_EQ(After(1, 0, 0), 0);
}

TEST_F(Scaling, CountsARouterThatBeginsAnewFromItsBeginning) {
  After(5, 0.5);
  sampled_ = 0.5;
  in_flight_seconds_ = 0;
  EXPECT_EQ(After(20, 0.5), 1);
}

// --- simulated

// Requests come at `rate(t)`, take an exponential time of `service` seconds each, and wait in one
// queue for one of replicas * concurrency; a server that is added answers 15 s later.
struct Simulated {
  std::function<double(double)> rate;
  double service = 0.1;
  Rules rules{.min = 1, .max = 50, .target = 0.7, .concurrency = 1};
  double spread = 1;  // of service times: lognormal's sigma where above 0
  std::uint64_t seed = 1;

  std::vector<int> replicas;  // at each look
  std::vector<double> share;  // busy, of each look
  int changes = 0;
  int reversals = 0;  // up after down

  void Run(double hours, int begin) {
    std::mt19937_64 random(seed);
    std::exponential_distribution<double> unit(1);
    std::lognormal_distribution<double> taken(-spread * spread / 2, spread);
    std::priority_queue<double, std::vector<double>, std::greater<>> ends;
    std::queue<double> waiting;
    Load load;
    int asked = begin, serving = begin, direction = 0;
    double serving_from = 0, now = 0, next = unit(random) / std::max(rate(0), 1e-9);
    double in_flight_seconds = 0, at_look = 0;
    std::int64_t requests = 0;
    for (double look = 10; look < hours * 3600; look += 10) {
      while (now < look) {
        if (now >= serving_from) serving = asked;
        const auto slots = static_cast<std::size_t>(serving) * rules.concurrency;
        while (!waiting.empty() && ends.size() < slots) {
          ends.push(now + service * taken(random));
          waiting.pop();
        }
        double then = std::min({look, next, ends.empty() ? look : ends.top()});
        if (serving != asked) then = std::min(then, std::max(serving_from, now));
        in_flight_seconds += (then - now) * static_cast<double>(ends.size() + waiting.size());
        now = then;
        if (!ends.empty() && ends.top() <= now) ends.pop();
        if (next <= now) {
          waiting.push(now);
          ++requests;
          next = now + unit(random) / std::max(rate(now), 1e-9);
        }
      }
      share.push_back((in_flight_seconds - at_look) / 10 / (asked * rules.concurrency));
      at_look = in_flight_seconds;
      rollout::RouterFact router;
      router.run = "r";
      router.sampled_seconds = look;
      router.versions.resize(1);
      router.versions[0].asked = requests;
      router.versions[0].in_flight = static_cast<int>(ends.size() + waiting.size());
      router.versions[0].in_flight_seconds = in_flight_seconds;
      const Milliseconds clock(static_cast<std::int64_t>(look * 1000));
      load.Look({{router}, 1, asked, serving == asked, serving, clock});
      const int wanted = Decide(rules, load, asked, true, clock).replicas;
      if (wanted != asked) {
        ++changes;
        if (wanted > asked && direction < 0) ++reversals;
        direction = wanted > asked ? 1 : -1;
        if (wanted < asked) serving = wanted;
        serving_from = look + 15;
        asked = wanted;
      }
      replicas.push_back(asked);
    }
  }
  [[nodiscard]] double MeanShare(std::size_t from) const {
    double sum = 0;
    for (std::size_t i = from; i < share.size(); ++i) sum += share[i];
    return sum / static_cast<double>(share.size() - from);
  }
};

TEST(SimulatedScaling, OfASteadyLoadComesToRest) {
  // From a third of a server's to that of five, of servers that do one or four at a time.
  for (const double rate : {3.0, 5.5, 9.0, 20.0, 45.0})
    for (const int concurrency : {1, 4}) {
      Simulated s;
      s.rate = [rate](double) { return rate; };
      s.rules.concurrency = concurrency;
      s.Run(2, 1);
      EXPECT_LE(s.reversals, 2) << rate << " a second, " << concurrency << " at a time";
      EXPECT_LT(s.MeanShare(60), 0.8) << rate;
      const double least = std::ceil(rate * s.service / concurrency);
      EXPECT_LE(s.replicas.back(), 2 * least + 1) << rate << " " << concurrency;
    }
}

TEST(SimulatedScaling, OfAStepIsThereWithinTwoMinutesAndDownAgainAfterFive) {
  Simulated s;
  s.rate = [](double t) { return t > 1'800 && t < 5'400 ? 60.0 : 4.0; };
  s.Run(3, 1);
  const auto at = [&](double t) { return s.replicas[static_cast<std::size_t>(t / 10)]; };
  EXPECT_LE(at(1'790), 2);
  EXPECT_GE(at(1'920), 7);  // six are busy, and the queue of the first minute
  EXPECT_GE(at(5'390), 7);
  EXPECT_GE(at(5'650), 7);
  EXPECT_LE(at(6'600), 2);
  EXPECT_LE(s.changes, 14);
}

TEST(SimulatedScaling, OfMinutesOfBurstsStaysAtWhatTheyNeed) {
  Simulated s;
  s.rate = [](double t) { return std::fmod(t, 120) < 60 ? 40.0 : 2.0; };
  s.Run(3, 1);
  EXPECT_LE(s.reversals, 1);
  EXPECT_LE(s.changes, 10);
}

TEST(SimulatedScaling, OfADayOfEightHoursFollowsIt) {
  Simulated s;
  s.rate = [](double t) { return 30 - 25 * std::cos(t / 28'800 * 2 * 3.14159265); };
  s.Run(8, 1);
  EXPECT_LE(s.reversals, 4);
  EXPECT_LE(s.changes, 60);
  EXPECT_LT(s.MeanShare(0), 0.7);
  EXPECT_LE(s.replicas.back(), 4);
}

}  // namespace
}  // namespace penstock::scaling
