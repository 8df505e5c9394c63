#include "tests/conformance/cluster_under_test.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <random>

#include "operator/kube/api_client.h"
#include "operator/local/memory_cluster.h"

namespace penstock::conformance {
namespace {

std::unique_ptr<kube::Client> MakeReal(const Clock& clock) {
  auto config = kube::LoadConfig();
  if (!config) {
    ADD_FAILURE() << config.error().message;
    return nullptr;
  }
  auto client = kube::ApiClient::Make(*std::move(config), clock);
  if (!client) {
    ADD_FAILURE() << client.error().message;
    return nullptr;
  }
  return *std::move(client);
}

std::vector<Instance> Instances() {
  std::vector<Instance> out;
  out.push_back({"Memory", [](const Clock& clock) -> std::unique_ptr<kube::Client> {
                   return std::make_unique<local::MemoryCluster>(clock);
                 }});
  if (std::getenv("KUBECONFIG") != nullptr) out.push_back({"Real", MakeReal});
  return out;
}

std::string FreshNamespace() {
  static std::atomic<int> counter{0};
  return "conformance-" + std::to_string(std::random_device{}() % 100'000'000) + "-" +
         std::to_string(++counter);
}

constexpr std::chrono::seconds kPatience{20};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Clusters, ClientConformance, testing::ValuesIn(Instances()),
                         [](const auto& info) { return info.param.name; });

void ClientConformance::SetUp() {
  client_ = GetParam().make(clock_);
  ASSERT_NE(client_, nullptr);
  ns_ = FreshNamespace();
  auto created = client_->Create(kube::kNamespaces, "", {{"metadata", {{"name", ns_}}}});
  ASSERT_TRUE(created) << created.error().message;
}

void ClientConformance::TearDown() {
  if (!client_) return;
  kube::DeleteOptions options;
  auto deleted = client_->Delete(kube::kNamespaces, "", ns_, options);
  EXPECT_TRUE(deleted) << deleted.error().message;
}

Json ClientConformance::MustCreate(const kube::ResourceType& type, const Json& object) {
  auto created = client().Create(type, ns(), object);
  EXPECT_TRUE(created) << created.error().message;
  return created ? *created : Json();
}

Json ClientConformance::MustGet(const kube::ResourceType& type, const std::string& name) {
  auto got = client().Get(type, ns(), name);
  EXPECT_TRUE(got) << got.error().message;
  return got ? *got : Json();
}

Json ClientConformance::MustApply(const kube::ResourceType& type, const std::string& name,
                                  const Json& object, const kube::PatchOptions& options) {
  auto applied = client().Apply(type, ns(), name, object, options);
  EXPECT_TRUE(applied) << applied.error().message;
  return applied ? *applied : Json();
}

bool ClientConformance::Vanishes(const kube::ResourceType& type, const std::string& name) {
  auto got = client().Get(type, ns(), name);
  if (!got) return got.error().kind == ErrorKind::kNotFound;
  kube::WatchOptions options;
  options.resource_version = VersionOf(*got);
  RecordedWatch watch(client(), type, ns(), options);
  return watch.Sees(kube::WatchEventType::kDeleted, name);
}

Json ConfigMap(const std::string& name, const Json& data, const Json& labels) {
  Json out = {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}};
  if (!data.is_null()) out["data"] = data;
  if (!labels.is_null()) out["metadata"]["labels"] = labels;
  return out;
}

Json Pod(const std::string& name, const Json& labels) {
  Json out = {{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata", {{"name", name}}},
              {"spec",
               {{"schedulerName", "none"},
                {"containers", {{{"name", "main"}, {"image", "example.invalid/none"}}}}}}};
  if (!labels.is_null()) out["metadata"]["labels"] = labels;
  return out;
}

std::string VersionOf(const Json& object) {
  return object.is_object() ? object["metadata"].value("resourceVersion", "") : "";
}

std::string UidOf(const Json& object) {
  return object.is_object() ? object["metadata"].value("uid", "") : "";
}

RecordedWatch::RecordedWatch(kube::Client& client, const kube::ResourceType& type,
                             const std::string& ns, kube::WatchOptions options)
    : thread_([this, &client, type, ns, options](const std::stop_token& stop) {
        auto outcome = client.Watch(
            type, ns, options,
            [this](kube::WatchEvent& event) {
              const std::lock_guard lock(mutex_);
              seen_.push_back({event.type, std::move(*event.object)});
              changed_.notify_all();
              return true;
            },
            stop);
        const std::lock_guard lock(mutex_);
        outcome_ = std::move(outcome);
      }) {}

RecordedWatch::~RecordedWatch() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

bool RecordedWatch::Sees(const std::function<bool(const Seen&)>& wanted) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience,
                           [&] { return std::any_of(seen_.begin(), seen_.end(), wanted); });
}

bool RecordedWatch::Sees(kube::WatchEventType type, const std::string& name) {
  return Sees([&](const Seen& seen) {
    return seen.type == type && seen.object["metadata"].value("name", "") == name;
  });
}

std::vector<RecordedWatch::Seen> RecordedWatch::All() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

Result<void> RecordedWatch::Stop() {
  thread_.request_stop();
  return Join();
}

Result<void> RecordedWatch::Join() {
  if (thread_.joinable()) thread_.join();
  return outcome_;
}

}  // namespace penstock::conformance
