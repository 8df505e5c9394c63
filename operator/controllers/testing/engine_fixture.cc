#include "operator/controllers/testing/engine_fixture.h"

#include <stdlib.h>

#include "operator/api/manifest.h"
#include "operator/artifacts/tree.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {

bool KillSwitch::Pass(bool is_write) {
  if (dead_) return false;
  if (!is_write && counts_ == Counts::kWrites) return true;
  const int left = left_.fetch_sub(1);
  if (left > 1) return true;
  dead_ = true;
  return lose_answer_ && left == 1;
}

Result<void> MortalClient::Before(std::string_view write, const kube::ResourceType&) {
  if (kill_.Pass(!write.empty())) return {};
  return Cancelled("killed");
}

Result<void> MortalClient::After() {
  if (!kill_.dead()) return {};
  return Cancelled("killed");
}

Result<void> MortalClient::Watch(const kube::ResourceType& type, const std::string& ns,
                                 const kube::WatchOptions& options, const kube::WatchSink& sink,
                                 std::stop_token stop) {
  if (kill_.dead()) return Cancelled("killed");
  return ForwardingClient::Watch(
      type, ns, options, [&](kube::WatchEvent& event) { return !kill_.dead() && sink(event); },
      std::move(stop));
}

Interception::Interception(TestCluster& cluster, local::Interceptor interceptor)
    : cluster_(cluster) {
  cluster_.SetInterceptor([gate = gate_, interceptor = std::move(interceptor)](
                              const local::Request& request) -> std::optional<Error> {
    const std::shared_lock in(gate->mutex);
    return gate->open ? interceptor(request) : std::nullopt;
  });
}

Interception::~Interception() {
  {
    const std::unique_lock all_out(gate_->mutex);
    gate_->open = false;
  }
  cluster_.SetInterceptor({});
}

EngineTest::EngineTest() : cluster_(clock_) {
  std::string name = (std::filesystem::temp_directory_path() / "penstock-engine-XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
  store_ = std::make_unique<artifacts::Store>(folder_ / "store");
  kubelet_ = std::make_unique<FakeKubelet>(cluster_, *store_, clock_);
}

EngineTest::~EngineTest() {
  StopEngine();
  kubelet_.reset();
  static_cast<void>(artifacts::RemoveTree(folder_));
  if (HasFailure()) {
    const std::lock_guard lock(log_mutex_);
    std::cerr << "the engines' log:\n" << log_;
  }
}

EngineOptions EngineTest::Options() {
  EngineOptions options;
  options.workers = 2;
  options.api_threads = 2;
  options.io_threads = options.io_threads_a_namespace = 2;
  options.source_threads = 4;
  options.source_threads_a_namespace = 2;
  options.resync = resync_;
  options.settings.library_namespace = library_namespace_;
  options.settings.library_image = "registry.example/components:test";
  options.settings.git_image = "registry.example/git:test";
  options.settings.pods.launcher_image = "penstock/launcher:test";
  options.settings.serve_image = "penstock/serve:test";
  options.settings.router_image = "penstock/router:test";
  options.ask_router = ask_router_;
  options.ask_server = ask_server_;
  options.settings.pods.store.folder = (folder_ / "store").string();
  options.settings.may_ask = may_ask_;
  options.settings.approval_policy = approval_policy_;
  options.settings.approvals_by_hand = approvals_by_hand_;
  options.settings.max_pods = max_pods_;
  options.settings.pod_fields = pod_fields_;
  options.settings.status_interval = status_interval_;
  options.settings.follow_interval = Milliseconds{20};
  options.settings.look_again = Milliseconds{20};
  options.hooks.log = [this](const std::string& level, const std::string& line) {
    const std::lock_guard lock(log_mutex_);
    log_ += level + " " + line + "\n";
  };
  options.hooks.event = [this](const EventNote& note) {
    const std::lock_guard lock(log_mutex_);
    log_ += "event " + note.reason + " " + note.name + ": " + note.message + "\n";
  };
  return options;
}

void EngineTest::StartEngine(kube::Client* client, metadata::Recorder* recorder) {
  StopEngine();
  role_ = std::make_unique<RoleClient>(client == nullptr ? cluster_ : *client);
  engine_ = std::make_unique<Engine>(*role_, *store_, recorder == nullptr ? no_history_ : *recorder,
                                     *engine_clock_, Options());
  engine_->Start();
}

void EngineTest::StopEngine() {
  engine_.reset();
  if (role_ != nullptr)
    for (const std::string& right : role_->denied())
      ADD_FAILURE() << "the engine needs what the chart's role does not grant: " << right;
  role_.reset();
}

Json EngineTest::Create(const kube::ResourceType& type, const std::string& yaml) {
  auto documents = api::ParseManifests(yaml, "test");
  EXPECT_TRUE(documents) << (documents ? "" : documents.error().message);
  if (!documents || documents->empty()) return {};
  Json object = documents->front().object;
  object["apiVersion"] = type.group.empty()
                             ? std::string(type.version)
                             : std::string(type.group) + "/" + std::string(type.version);
  object["kind"] = std::string(type.kind);
  if (!object["metadata"].contains("namespace")) object["metadata"]["namespace"] = "team";
  auto created = cluster_.Create(type, object["metadata"]["namespace"].get<std::string>(), object);
  EXPECT_TRUE(created) << (created ? "" : created.error().message);
  return created ? *created : Json();
}

Json EngineTest::Get(const kube::ResourceType& type, const std::string& name) {
  auto object = cluster_.Get(type, "team", name);
  return object ? *object : Json();
}

Json EngineTest::Patch(const kube::ResourceType& type, const std::string& name, const Json& patch) {
  auto object = cluster_.MergePatch(type, "team", name, patch);
  EXPECT_TRUE(object) << (object ? "" : object.error().message);
  return object ? *object : Json();
}

std::vector<Json> EngineTest::ListAll(const kube::ResourceType& type) {
  auto page = cluster_.List(type, "team", {});
  EXPECT_TRUE(page) << (page ? "" : page.error().message);
  return page ? page->items : std::vector<Json>();
}

Json EngineTest::Await(const kube::ResourceType& type, const std::string& name,
                       const std::string& what, const std::function<bool(const Json&)>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  Json last;
  while (std::chrono::steady_clock::now() < deadline) {
    kube::ListOptions list;
    list.field_selector = "metadata.name=" + name;
    auto page = cluster_.List(type, "team", list);
    EXPECT_TRUE(page) << (page ? "" : page.error().message);
    if (!page) return {};
    if (!page->items.empty()) last = page->items.front();
    if (!last.is_null() && condition(last)) return last;
    // Waits for the next change of the object, or until the deadline ends the watch.
    std::stop_source stop;
    std::jthread alarm([&stop, deadline](const std::stop_token& done) {
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      never.wait_until(lock, done, deadline, [] { return false; });
      stop.request_stop();
    });
    kube::WatchOptions options;
    options.resource_version = page->resource_version;
    options.field_selector = "metadata.name=" + name;
    static_cast<void>(cluster_.Watch(
        type, "team", options,
        [](kube::WatchEvent& event) { return event.type == kube::WatchEventType::kBookmark; },
        stop.get_token()));
  }
  ADD_FAILURE() << name << " never came to this: " << what << "\n" << last.dump(2);
  return last;
}

bool EngineTest::AwaitThat(const std::string& what, const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= until) {
      ADD_FAILURE() << what << ": not within 20 s";
      return false;
    }
    std::this_thread::sleep_for(Milliseconds{5});
  }
  return true;
}

Json EngineTest::AwaitFinished(const std::string& run) {
  return Await(kube::kPipelineRuns, run, "finished",
               [](const Json& object) { return ConditionOf(object, "Finished") == "True"; });
}

std::string ConditionOf(const Json& object, const std::string& type) {
  static const Json::json_pointer kConditions("/status/conditions");
  if (!object.contains(kConditions)) return "";
  for (const Json& condition : object.at(kConditions)) {
    if (condition.at("type") == type) return condition.at("status").get<std::string>();
  }
  return "";
}

Json StepOf(const Json& run, const std::string& step) {
  static const Json::json_pointer kSteps("/status/steps");
  if (!run.contains(kSteps)) return Json::object();
  for (const Json& entry : run.at(kSteps)) {
    if (entry.at("name") == step) return entry;
  }
  return Json::object();
}

}  // namespace penstock::controllers
