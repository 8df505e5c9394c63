#include "components/router/watch/cluster_source.h"

#include <algorithm>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::router {
namespace {

// A Deployment's new pods, or a rollout's step and its endpoints, come as a few events at once.
constexpr std::chrono::milliseconds kTogether{20};
constexpr std::uint64_t kMostBytes = 64ULL << 20;

}  // namespace

ClusterSource::ClusterSource(kube::Client& client, const Clock& clock, ClusterSourceOptions options)
    : client_(client), clock_(clock), options_(std::move(options)), builder_(options_.edge) {
  AddInformer(kube::kModelDeployments, "", TrimModelDeployment);
  AddInformer(kube::kEndpointSlices, std::string(kLabelModelDeployment) + "," + kLabelModelVersion,
              TrimEndpointSlice);
}

ClusterSource::~ClusterSource() {
  for (auto& watched : watched_) watched.informer->Stop();
  thread_ = {};
}

void ClusterSource::AddInformer(const kube::ResourceType& type, const std::string& selector,
                                void (*trim)(Json&)) {
  kube::InformerOptions options;
  options.ns = options_.ns;
  options.label_selector = selector;
  options.transform = trim;
  options.backoff = options_.backoff;
  const std::size_t index = watched_.size();
  Watched& watched = watched_.emplace_back();
  watched.informer = std::make_unique<kube::Informer>(client_, type, options, clock_);
  watched.informer->AddHandler([this](const kube::Change&) {
    const std::lock_guard lock(mutex_);
    dirty_ = true;
    changed_.notify_all();
  });
  watched.informer->OnFailure([this, index](const Error& error) {
    const std::lock_guard lock(mutex_);
    Watched& failed = watched_[index];
    const bool news = failed.failure != error.message;
    failed.failure = error.message;
    failed.events_at_failure = failed.informer->counters().events;
    if (news)
      options_.log("watching " + std::string(failed.informer->type().plural) + ": " +
                   error.message + "; what is known goes on, and it is tried again");
  });
}

Result<void> ClusterSource::Start(Publish publish) {
  publish_ = std::move(publish);
  for (auto& watched : watched_) watched.informer->Start();
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  return {};
}

std::string ClusterSource::Trouble() const {
  const std::lock_guard lock(mutex_);
  for (const Watched& watched : watched_) {
    const std::string plural(watched.informer->type().plural);
    const bool over = watched.informer->counters().events > watched.events_at_failure;
    if (!watched.failure.empty() && !over) return "watching " + plural + ": " + watched.failure;
    if (!watched.informer->HasSynced()) return "the first list of " + plural + " is being read";
  }
  return "";
}

void ClusterSource::Run(const std::stop_token& stop) {
  PublishFile();
  // Half of what the objects say must not take the place of what the file said.
  for (const Watched& watched : watched_)
    while (!watched.informer->WaitForSync(std::chrono::seconds(10), stop))
      if (stop.stop_requested()) return;
  while (!stop.stop_requested()) {
    {
      const std::lock_guard lock(mutex_);
      dirty_ = false;
    }
    PublishCluster();
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return dirty_; })) return;
    changed_.wait_for(lock, stop, kTogether, [] { return false; });
  }
}

void ClusterSource::PublishFile() {
  if (options_.file.empty()) return;
  const auto text = ReadFile(options_.file, kMostBytes);
  if (!text) {
    if (text.error().kind != ErrorKind::kNotFound) Tell(text.error().message);
    return;
  }
  auto table = ParseRouteTable(*text, options_.file.string());
  if (!table) return Tell(table.error().message + "; it is made anew from the API server");
  builder_.Remember(*table);
  last_ = *table;
  publish_(std::make_shared<const RouteTable>(*std::move(table)));
}

void ClusterSource::PublishCluster() {
  RouteTable table = builder_.Build(watched_[0].informer->store().List(options_.ns),
                                    watched_[1].informer->store().List(options_.ns));
  std::string problems;
  for (const std::string& problem : builder_.problems())
    problems += (problems.empty() ? "" : "; ") + problem;
  Tell(problems);
  if (last_ && *last_ == table) return;
  last_ = table;
  publish_(std::make_shared<const RouteTable>(std::move(table)));
  Keep(*last_);
}

// A disk that is full takes nothing from those who are served.
void ClusterSource::Keep(const RouteTable& table) {
  if (options_.file.empty()) return;
  const auto kept = WriteFileAtomically(options_.file, ToJson(table).dump(1));
  if (!kept) options_.log("the last table is not kept: " + kept.error().message);
}

void ClusterSource::Tell(const std::string& problem) {
  if (!problem.empty() && problem != told_) options_.log(problem);
  told_ = problem;
}

}  // namespace penstock::router
