// What the conformance suite cannot ask of a real server: history that is forgotten on command,
// faults, logs. The rest is in tests/conformance.
#include "operator/local/memory_cluster.h"

#include <gtest/gtest.h>

#include <thread>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/apply_merge.h"

namespace penstock::local {
namespace {

using kube::kConfigMaps;
using kube::kPods;

class FixedClock : public SystemClock {
 public:
  [[nodiscard]] TimePoint Now() const override { return TimePoint(std::chrono::hours(500'000)); }
};

class MemoryClusterTest : public testing::Test {
 protected:
  Json Make(const kube::ResourceType& type, const std::string& name, Json object = Json::object()) {
    object["metadata"]["name"] = name;
    auto made = cluster_.Create(type, "ns", object);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : Json();
  }
  Result<void> WatchFrom(const std::string& version, std::vector<std::string>* names = nullptr) {
    kube::WatchOptions options;
    options.resource_version = version;
    options.server_timeout = std::chrono::seconds(0);
    return cluster_.Watch(
        kConfigMaps, "ns", options,
        [&](kube::WatchEvent& event) {
          if (names) names->push_back((*event.object)["metadata"].value("name", "(bookmark)"));
          return true;
        },
        {});
  }

  FixedClock clock_;
  MemoryCluster cluster_{clock_};
};

std::string Version(const Json& object) { return object["metadata"]["resourceVersion"]; }

TEST_F(MemoryClusterTest, StampsTheClocksTime) {
  EXPECT_EQ(Make(kConfigMaps, "a")["metadata"]["creationTimestamp"], FormatTime(clock_.Now()));
}

TEST_F(MemoryClusterTest, AWatchFromBeforeACompactionIsExpiredAndOneFromThereGoesOn) {
  const std::string before = Version(Make(kConfigMaps, "a"));
  const std::string last = Version(Make(kConfigMaps, "b"));
  EXPECT_TRUE(WatchFrom(before));
  cluster_.Compact();
  const auto expired = WatchFrom(before);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().kind, ErrorKind::kExpired);
  Make(kConfigMaps, "c");
  std::vector<std::string> names;
  EXPECT_TRUE(WatchFrom(last, &names));
  EXPECT_EQ(names, (std::vector<std::string>{"c", "(bookmark)"}));
}

TEST_F(MemoryClusterTest, AWatchFromTheFutureIsTransient) {
  const auto outcome = WatchFrom("999999");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kTransient);
}

TEST_F(MemoryClusterTest, AWatcherThatFallsBehindTheHistoryIsExpired) {
  MemoryCluster::Options options;
  options.history = 3;
  MemoryCluster small(clock_, options);
  const Json object = {{"metadata", {{"name", "a"}}}};
  ASSERT_TRUE(small.Create(kConfigMaps, "ns", object));
  int seen = 0;
  const auto outcome =
      small.Watch(kConfigMaps, "ns", {},
                  [&](kube::WatchEvent&) {
                    if (seen++ > 0) return true;
                    for (int i = 0; i < 5; ++i) {
                      EXPECT_TRUE(small.MergePatch(kConfigMaps, "ns", "a",
                                                   {{"data", {{"k", std::to_string(i)}}}}));
                    }
                    return true;
                  },
                  {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kExpired);
  EXPECT_EQ(seen, 1);
}

TEST_F(MemoryClusterTest, AContinueTokenExpiresByCompactionAndNonsenseIsInvalid) {
  for (const char* name : {"a", "b", "c"}) Make(kConfigMaps, name);
  kube::ListOptions options;
  options.limit = 2;
  const auto page = cluster_.List(kConfigMaps, "ns", options);
  ASSERT_TRUE(page);
  options.continue_token = page->continue_token;
  EXPECT_TRUE(cluster_.List(kConfigMaps, "ns", options));
  cluster_.Compact();
  const auto expired = cluster_.List(kConfigMaps, "ns", options);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().kind, ErrorKind::kExpired);
  options.continue_token = "nonsense";
  EXPECT_EQ(cluster_.List(kConfigMaps, "ns", options).error().kind, ErrorKind::kInvalid);
}

TEST_F(MemoryClusterTest, AnInterceptorsErrorIsTheAnswerAndChangesNothing) {
  cluster_.SetInterceptor([](const Request& request) -> std::optional<Error> {
    if (request.verb == "create" && request.name == "a") return Transient("down");
    return std::nullopt;
  });
  const auto made = cluster_.Create(kConfigMaps, "ns", {{"metadata", {{"name", "a"}}}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "down");
  EXPECT_FALSE(cluster_.Get(kConfigMaps, "ns", "a"));
  Make(kConfigMaps, "b");
}

TEST_F(MemoryClusterTest, LogsComeFromTheirSourceAndNeedThePod) {
  cluster_.SetLogSource([](const std::string&, const std::string& pod, const kube::LogOptions&,
                           const kube::LogSink& sink, const std::stop_token&) -> Result<void> {
    sink("log of " + pod);
    return {};
  });
  std::string text;
  const auto sink = [&](std::string_view piece) {
    text += piece;
    return true;
  };
  EXPECT_EQ(cluster_.Logs("ns", "p", {}, sink, {}).error().kind, ErrorKind::kNotFound);
  Make(kPods, "p", {{"spec", Json::object()}});
  EXPECT_TRUE(cluster_.Logs("ns", "p", {}, sink, {}));
  EXPECT_EQ(text, "log of p");
}

TEST_F(MemoryClusterTest, ANamespaceTakesItsObjectsWithIt) {
  ASSERT_TRUE(cluster_.Create(kube::kNamespaces, "", {{"metadata", {{"name", "ns"}}}}));
  Make(kConfigMaps, "a");
  ASSERT_TRUE(cluster_.Delete(kube::kNamespaces, "", "ns"));
  EXPECT_FALSE(cluster_.Get(kConfigMaps, "ns", "a"));
}

TEST_F(MemoryClusterTest, APodMayGetANodeOnceAndNoOtherSpec) {
  Make(kPods, "p", {{"spec", {{"restartPolicy", "Never"}}}});
  EXPECT_TRUE(cluster_.MergePatch(kPods, "ns", "p", {{"spec", {{"nodeName", "n"}}}}));
  EXPECT_EQ(cluster_.MergePatch(kPods, "ns", "p", {{"spec", {{"nodeName", "m"}}}}).error().kind,
            ErrorKind::kInvalid);
  EXPECT_EQ(
      cluster_.MergePatch(kPods, "ns", "p", {{"spec", {{"restartPolicy", "Always"}}}}).error().kind,
      ErrorKind::kInvalid);
}

TEST_F(MemoryClusterTest, OurKindsCountGenerationsAndKeepStatusApart) {
  Make(kube::kPipelineRuns, "r", {{"spec", {{"suspend", false}}}, {"status", {{"x", 1}}}});
  kube::PatchOptions status;
  status.subresource = "status";
  auto object =
      cluster_.MergePatch(kube::kPipelineRuns, "ns", "r", {{"status", {{"x", 2}}}}, status);
  ASSERT_TRUE(object);
  EXPECT_EQ((*object)["metadata"]["generation"], 1);
  EXPECT_EQ((*object)["status"]["x"], 2);
  object = cluster_.MergePatch(kube::kPipelineRuns, "ns", "r",
                               {{"spec", {{"suspend", true}}}, {"status", {{"x", 3}}}});
  ASSERT_TRUE(object);
  EXPECT_EQ((*object)["metadata"]["generation"], 2);
  EXPECT_EQ((*object)["status"]["x"], 2);
}

TEST_F(MemoryClusterTest, ManyWritersAndWatchersAgreeOnTheEnd) {
  constexpr int kWriters = 4;
  constexpr int kEach = 50;
  std::map<std::string, std::string> seen;
  std::stop_source stop;
  std::jthread watcher([&] {
    (void)cluster_.Watch(
        kConfigMaps, "ns", {},
        [&](kube::WatchEvent& event) {
          const Json& o = *event.object;
          seen[o["metadata"]["name"]] = o["data"]["k"];
          return o["metadata"]["name"] != "last";
        },
        stop.get_token());
  });
  {
    std::vector<std::jthread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] {
        const std::string name = "w" + std::to_string(w);
        Make(kConfigMaps, name, {{"data", {{"k", "0"}}}});
        for (int i = 1; i <= kEach; ++i) {
          EXPECT_TRUE(
              cluster_.MergePatch(kConfigMaps, "ns", name, {{"data", {{"k", std::to_string(i)}}}}));
        }
      });
    }
  }
  Make(kConfigMaps, "last", {{"data", {{"k", ""}}}});
  watcher.join();
  for (int w = 0; w < kWriters; ++w)
    EXPECT_EQ(seen["w" + std::to_string(w)], std::to_string(kEach));
}

// --- apply_merge

TEST(ApplyMerge, MergesMapListsAndReplacesOthers) {
  const ListSchema schema("");
  Json live = Json::parse(
      R"({"spec":{"containers":[{"name":"a","image":"1","args":["x","y"]},{"name":"b"}]}})");
  MergeInto(schema, live, Json::parse(R"({"spec":{"containers":[{"name":"a","args":["z"]}]}})"));
  EXPECT_EQ(live,
            Json::parse(
                R"({"spec":{"containers":[{"name":"a","image":"1","args":["z"]},{"name":"b"}]}})"));
}

TEST(ApplyMerge, RemovingAllLeavesOfAnItemRemovesIt) {
  const ListSchema schema("");
  const Json item = Json::parse(R"({"status":{"conditions":[{"type":"A","status":"True"}]}})");
  Json live = Json::parse(
      R"({"status":{"conditions":[{"type":"A","status":"True"},{"type":"B","status":"True"}]}})");
  RemoveLeaves(schema, live, Leaves(schema, item));
  EXPECT_EQ(live, Json::parse(R"({"status":{"conditions":[{"type":"B","status":"True"}]}})"));
}

TEST(ApplyMerge, AnItemKeepsItsKeyWhileSomebodysFieldIsLeft) {
  const ListSchema schema("");
  Json live = Json::parse(R"({"spec":{"containers":[{"name":"a","image":"1","tty":true}]}})");
  RemoveLeaves(schema, live,
               Leaves(schema, Json::parse(R"({"spec":{"containers":[{"name":"a","tty":true}]}})")));
  EXPECT_EQ(live, Json::parse(R"({"spec":{"containers":[{"name":"a","image":"1"}]}})"));
}

TEST(ApplyMerge, PortsAreKeyedByNumberAndProtocolWithTcpAsDefault) {
  const ListSchema schema("");
  Json live = Json::parse(
      R"({"spec":{"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}]}})");
  MergeInto(schema, live, Json::parse(R"({"spec":{"ports":[{"port":53,"name":"dns"}]}})"));
  EXPECT_EQ(live["spec"]["ports"][1]["name"], "dns");
  EXPECT_FALSE(live["spec"]["ports"][0].contains("name"));
}

TEST(ApplyMerge, OurListsOfNamedObjectsAreMaps) {
  const ListSchema schema("penstock.dev");
  Json live = Json::parse(R"({"status":{"steps":[{"name":"a","phase":"Running"},{"name":"b"}]}})");
  MergeInto(schema, live, Json::parse(R"({"status":{"steps":[{"name":"a","phase":"Failed"}]}})"));
  EXPECT_EQ(live["status"]["steps"].size(), 2U);
  EXPECT_EQ(live["status"]["steps"][0]["phase"], "Failed");
}

}  // namespace
}  // namespace penstock::local
