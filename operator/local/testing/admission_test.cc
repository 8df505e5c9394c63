#include "operator/local/admission.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "operator/base/json.h"

namespace penstock::local {
namespace {

const auto kNoWord = [](const std::string&) {};

TEST(Admission, SaysWhyARequestNeverFits) {
  const Admission admission({.cpu_milli = 2000, .memory = 1 << 30, .other = {}});
  EXPECT_EQ(admission.WhyNever({.cpu_milli = 2000, .memory = 1 << 30, .other = {}}), "");
  const std::string why =
      admission.WhyNever({.cpu_milli = 2001, .memory = 1, .other = {{"nvidia.com/gpu", 1}}});
  EXPECT_NE(why.find("1 Insufficient cpu, 1 Insufficient nvidia.com/gpu."), std::string::npos);
  EXPECT_NE(why.find("2000m CPU"), std::string::npos);
}

TEST(Admission, LetsAPodWaitUntilAnotherLeaves) {
  Admission admission({.cpu_milli = 1000, .memory = 1, .other = {}});
  const Resources all{.cpu_milli = 1000, .memory = 0, .other = {}};
  auto first = std::make_optional(*admission.Enter(all, {}, kNoWord));
  std::promise<std::string> waits;
  auto second = std::async(std::launch::async, [&] {
    return admission.Enter(all, {}, [&](const std::string& why) { waits.set_value(why); })
        .has_value();
  });
  EXPECT_EQ(waits.get_future().get(), "0/1 nodes are available: 1 Insufficient cpu.");
  first.reset();
  EXPECT_TRUE(second.get());
}

TEST(Admission, AWaitEndsWhenItIsStopped) {
  Admission admission({.cpu_milli = 1000, .memory = 1, .other = {}});
  const Resources all{.cpu_milli = 1000, .memory = 0, .other = {}};
  const auto first = admission.Enter(all, {}, kNoWord);
  std::stop_source stop;
  EXPECT_FALSE(
      admission.Enter(all, stop.get_token(), [&](const std::string&) { stop.request_stop(); }));
}

TEST(Admission, GivesEachPodDevicesOfItsOwnAndTakesThemBack) {
  Admission admission({.cpu_milli = 1000, .memory = 1, .other = {{"nvidia.com/gpu", 2}}});
  const Resources one{.cpu_milli = 0, .memory = 0, .other = {{"nvidia.com/gpu", 1}}};
  {
    const auto a = admission.Enter(one, {}, kNoWord);
    const auto b = admission.Enter(one, {}, kNoWord);
    EXPECT_EQ(a->devices().at("nvidia.com/gpu"), std::vector<int>{0});
    EXPECT_EQ(b->devices().at("nvidia.com/gpu"), std::vector<int>{1});
  }
  const auto again = admission.Enter(one, {}, kNoWord);
  EXPECT_EQ(again->devices().at("nvidia.com/gpu"), std::vector<int>{0});
}

TEST(Admission, DoesNotStarveALargePodBySmallOnes) {
  Admission admission({.cpu_milli = 1000, .memory = 1, .other = {}});
  const Resources half{.cpu_milli = 500, .memory = 0, .other = {}};
  auto holder = std::make_optional(*admission.Enter(half, {}, kNoWord));
  std::promise<void> waits;
  auto large = std::async(std::launch::async, [&] {
    return admission
        .Enter({.cpu_milli = 1000, .memory = 0, .other = {}}, {},
               [&](const std::string&) { waits.set_value(); })
        .has_value();
  });
  waits.get_future().wait();
  for (int i = 0; i < Admission::kMaxOvertakes; ++i) {
    EXPECT_TRUE(admission.Enter(half, {}, kNoWord)) << i;
  }
  std::stop_source stop;
  EXPECT_FALSE(
      admission.Enter(half, stop.get_token(), [&](const std::string&) { stop.request_stop(); }));
  holder.reset();
  EXPECT_TRUE(large.get());
}

TEST(PodRequests, CountsALimitWithoutARequestAndNamesABadQuantity) {
  const Json pod = Json::parse(R"({"spec":{"containers":[
    {"name":"a","resources":{"limits":{"memory":"1Ki","nvidia.com/gpu":1},"requests":{"cpu":"250m"}}},
    {"name":"b","resources":{"requests":{"cpu":1,"ephemeral-storage":"9Gi"}}}]}})");
  const Result<Resources> requests = PodRequests(pod);
  ASSERT_TRUE(requests);
  EXPECT_EQ(*requests, (Resources{1250, 1024, {{"nvidia.com/gpu", 1}}}));

  const Result<Resources> bad = PodRequests(Json::parse(
      R"({"spec":{"containers":[{"name":"a","resources":{"requests":{"memory":"lots"}}}]}})"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message.substr(0, 20), "container a: memory:");
}

}  // namespace
}  // namespace penstock::local
