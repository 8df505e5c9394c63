#include "components/router/watch/cluster_source.h"

#include <gmock/gmock.h>

#include <fstream>

#include "components/router/watch/testing/objects.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"

namespace penstock::router {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

const char* kOne = R"([{"version": 1, "weight": "100%"}])";
const char* kTwo = R"([{"version": 1, "weight": "95%"}, {"version": 2, "weight": "5%"}])";

class ClusterSources : public ::testing::Test {
 protected:
  ClusterSources() {
    std::string name = (std::filesystem::temp_directory_path() / "penstock-watch-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "table.json";
  }
  ~ClusterSources() override {
    source_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    ClusterSourceOptions options;
    options.ns = "team";
    options.file = file_;
    options.backoff = {.initial = 10ms, .max = 50ms};
    options.log = [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      log_ += line + "\n";
    };
    source_ = std::make_unique<ClusterSource>(cluster_, clock_, options);
    ASSERT_TRUE(source_->Start([this](std::shared_ptr<const RouteTable> table) {
      const std::lock_guard lock(mutex_);
      tables_.push_back(std::move(table));
      changed_.notify_all();
    }));
  }
  // The newest table, as soon as it is so.
  std::shared_ptr<const RouteTable> Await(const std::function<bool(const RouteTable&)>& is) {
    std::unique_lock lock(mutex_);
    const bool came =
        changed_.wait_for(lock, 10s, [&] { return !tables_.empty() && is(*tables_.back()); });
    EXPECT_TRUE(came) << (tables_.empty() ? "no table" : ToJson(*tables_.back()).dump(1)) << log_;
    return tables_.empty() ? std::make_shared<const RouteTable>() : tables_.back();
  }
  static std::function<bool(const RouteTable&)> Weights(std::vector<int> weights) {
    return [weights = std::move(weights)](const RouteTable& table) {
      if (table.deployments.empty()) return weights.empty();
      std::vector<int> found;
      for (const auto& v : table.deployments.front().versions) found.push_back(v.weight);
      return found == weights;
    };
  }
  void Put(const kube::ResourceType& type, const Json& object) {
    Json plain = object;
    for (const char* field : {"uid", "resourceVersion"}) plain["metadata"].erase(field);
    auto made = cluster_.Create(type, "team", plain);
    ASSERT_TRUE(made) << made.error().message;
    if (!plain.contains("status")) return;
    made = cluster_.MergePatch(type, "team", plain["metadata"]["name"],
                               {{"status", plain["status"]}}, {.subresource = "status"});
    ASSERT_TRUE(made) << made.error().message;
  }
  void SetTraffic(const char* traffic) {
    auto set = cluster_.MergePatch(kube::kModelDeployments, "team", "flights",
                                   {{"status", {{"traffic", Json::parse(traffic)}}}},
                                   {.subresource = "status"});
    ASSERT_TRUE(set) << set.error().message;
  }
  void KeepTable(const RouteTable& table) {
    ASSERT_TRUE(WriteFileAtomically(file_, ToJson(table).dump()));
  }
  std::string Log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  SystemClock clock_;
  local::MemoryCluster cluster_{clock_};
  std::filesystem::path folder_, file_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<const RouteTable>> tables_;
  std::string log_;
  std::unique_ptr<ClusterSource> source_;
};

TEST_F(ClusterSources, PublishAChangedWeightWithinASecond) {
  Put(kube::kModelDeployments, ModelDeployment("flights", 20001, kOne));
  Put(kube::kEndpointSlices, Slice("flights", 1, {Server("10.0.0.1")}));
  Start();
  const auto table = Await(Weights({10'000}));
  EXPECT_EQ(table->deployments[0].versions[0].endpoints.size(), 1U);
  const auto begin = std::chrono::steady_clock::now();
  SetTraffic(kTwo);
  Await(Weights({9'500, 500}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_EQ(source_->Trouble(), "");
}

TEST_F(ClusterSources, PublishAnEmptyTableOfANamespaceWithoutRoutes) {
  Start();
  EXPECT_TRUE(Await([](const RouteTable&) { return true; })->deployments.empty());
}

TEST_F(ClusterSources, FollowEndpointsThatComeAndGo) {
  Put(kube::kModelDeployments, ModelDeployment("flights", 20001, kOne));
  Put(kube::kEndpointSlices, Slice("flights", 1, {Server("10.0.0.1")}));
  Start();
  const auto count = [](std::size_t n) {
    return [n](const RouteTable& t) {
      return !t.deployments.empty() && t.deployments[0].versions[0].endpoints.size() == n;
    };
  };
  Await(count(1));
  ASSERT_TRUE(
      cluster_.MergePatch(kube::kEndpointSlices, "team", "flights-v1-abc",
                          {{"endpoints", Json::array({Server("10.0.0.1"), Server("10.0.0.2")})}}));
  Await(count(2));
  ASSERT_TRUE(cluster_.Delete(kube::kEndpointSlices, "team", "flights-v1-abc"));
  Await(count(0));
}

TEST_F(ClusterSources, KeepTheLastTableInTheFileAndBeginWithIt) {
  Put(kube::kModelDeployments, ModelDeployment("flights", 20001, kTwo));
  Start();
  Await(Weights({9'500, 500}));
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!std::filesystem::exists(file_) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  source_.reset();
  tables_.clear();
  cluster_.SetInterceptor([](const local::Request&) { return Transient("nobody is there"); });
  Start();
  Await(Weights({9'500, 500}));
  EXPECT_THAT(source_->Trouble(),
              testing::AnyOf(HasSubstr("nobody is there"), HasSubstr("first list")));
  cluster_.SetInterceptor({});
}

TEST_F(ClusterSources, AnApiServerThatIsAwayChangesNothingAndIsBelievedWhenItIsBack) {
  Put(kube::kModelDeployments, ModelDeployment("flights", 20001, kOne));
  Start();
  Await(Weights({10'000}));
  cluster_.SetInterceptor([](const local::Request& request) -> std::optional<Error> {
    if (request.verb == "watch" || request.verb == "list") return Transient("it is away");
    return std::nullopt;
  });
  cluster_.EndWatches();
  SetTraffic(kTwo);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (Log().find("it is away") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_THAT(source_->Trouble(), HasSubstr("it is away"));
  Await(Weights({10'000}));
  cluster_.Compact();  // the watch cannot go on where it was
  cluster_.SetInterceptor({});
  Await(Weights({9'500, 500}));
  // The next event, a bookmark if nothing else, says that it is over.
  SetTraffic(kOne);
  Put(kube::kEndpointSlices, Slice("flights", 1, {Server("10.0.0.1")}));
  Await([](const RouteTable& t) { return !t.deployments[0].versions[0].endpoints.empty(); });
  Await(Weights({10'000}));
  EXPECT_EQ(source_->Trouble(), "");
}

TEST_F(ClusterSources, HalfOfTheListsTakesNothingFromWhatTheFileSaid) {
  RouteTable kept = Kept("flights", 20001);
  kept.deployments[0].versions[0].endpoints = {{"10.0.0.1", 8080}};
  KeepTable(kept);
  Put(kube::kModelDeployments, ModelDeployment("flights", 20001, kTwo));
  std::atomic<bool> away = true;
  cluster_.SetInterceptor([&](const local::Request& request) -> std::optional<Error> {
    if (away && request.type == kube::kEndpointSlices) return Transient("no slices");
    return std::nullopt;
  });
  Start();
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (Log().find("no slices") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(Await(Weights({10'000}))->deployments[0].versions[0].endpoints.size(), 1U);
  away = false;
  Await(Weights({9'500, 500}));
  source_.reset();
  cluster_.SetInterceptor({});
}

TEST_F(ClusterSources, ADamagedFileIsToldAndMadeAnew) {
  std::ofstream(file_) << "{\"deployments\": 7";
  Put(kube::kModelDeployments, ModelDeployment("flights", 20001, kOne));
  Start();
  Await(Weights({10'000}));
  EXPECT_THAT(Log(), HasSubstr("made anew from the API server"));
}

}  // namespace
}  // namespace penstock::router
