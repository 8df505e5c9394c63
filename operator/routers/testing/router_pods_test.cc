#include "operator/routers/router_pods.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace penstock::routers {
namespace {

Json Pod(const std::string& ready, const std::string& phase = "Running") {
  return {{"metadata", {{"name", "r-1"}, {"namespace", "team"}, {"uid", "u1"}}},
          {"status",
           {{"phase", phase},
            {"podIP", "10.0.0.9"},
            {"hostIP", "10.0.0.1"},
            {"conditions", Json::array({{{"type", "Ready"}, {"status", ready}}})}}}};
}

kube::Change Now(const Json& pod, kube::ChangeType type = kube::ChangeType::kModified) {
  return {type, {"team", "r-1"}, nullptr, std::make_shared<const Json>(pod)};
}

TEST(RouterPods, AreThoseThatAreReadyAndStay) {
  RouterPods pods;
  EXPECT_FALSE(pods.Note(Now(Pod("False"))));
  EXPECT_TRUE(pods.Ready("team").empty());
  EXPECT_TRUE(pods.Note(Now(Pod("True"))));
  ASSERT_EQ(pods.Ready("team").size(), 1U);
  EXPECT_EQ(pods.Ready("team")[0].address, "10.0.0.9");
  EXPECT_TRUE(pods.Ready("other").empty());
  Json going = Pod("True");
  going["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z";
  EXPECT_TRUE(pods.Note(Now(going)));
  EXPECT_TRUE(pods.Ready("team").empty());
  EXPECT_FALSE(pods.Note(Now(going, kube::ChangeType::kDeleted)));
  EXPECT_TRUE(pods.Ready("team").empty());
}

TEST(RouterPods, OneInItsNodesNetworkIsNotAsked) {
  Json pod = Pod("True");
  pod["status"]["hostIP"] = "10.0.0.9";
  EXPECT_EQ(DecodeRouterPod(pod).address, "");
  EXPECT_TRUE(DecodeRouterPod(pod).ready);
}

TEST(RouterPods, OneThatHasEndedIsNotReady) {
  EXPECT_FALSE(DecodeRouterPod(Pod("True", "Failed")).ready);
  EXPECT_FALSE(DecodeRouterPod(Json::object()).ready);
}

}  // namespace
}  // namespace penstock::routers
