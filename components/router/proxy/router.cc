#include "components/router/proxy/router.h"

#include <algorithm>
#include <latch>
#include <thread>

namespace penstock::router {

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(20);

std::vector<Worker*> Raw(const std::vector<std::unique_ptr<Worker>>& workers) {
  std::vector<Worker*> raw;
  for (const auto& worker : workers) raw.push_back(worker.get());
  return raw;
}

}  // namespace

Router::Router(const RouterOptions& options)
    : front_(options.front),
      builder_(static_cast<std::size_t>(std::max(1, options.threads)) + 1, options.seed),
      credentials_(options.keys) {
  Limits each = options.limits;  // connections are counted by the acceptor, over all
  const int threads = std::max(1, options.threads);
  each.requests = std::max(1, options.limits.requests / threads);
  for (int i = 0; i < threads; ++i)
    workers_.push_back(std::make_unique<Worker>(static_cast<std::size_t>(i), each, &comparer_));
  acceptor_ =
      std::make_unique<Acceptor>(options.address, options.limits.connections, Raw(workers_));
}

Result<std::unique_ptr<Router>> Router::Start(const RouterOptions& options) {
  std::unique_ptr<Router> router(new Router(options));
  for (const auto& worker : router->workers_) {
    if (auto started = worker->Start(); !started) return started.error();
  }
  if (auto started = router->acceptor_->Start(); !started) return started.error();
  router->looks_ =
      std::jthread([raw = router.get(), every = options.look_every](const std::stop_token& stop) {
        raw->LookAtCredentials(stop, every);
      });
  return router;
}

Router::~Router() {
  looks_ = {};
  acceptor_ = nullptr;
  for (const auto& worker : workers_) worker->Stop();
}

void Router::Publish(std::shared_ptr<const RouteTable> table) {
  std::lock_guard lock(mutex_);
  table_ = std::move(table);
  (void)credentials_.Look(*table_, std::chrono::system_clock::now());
  ForgetEjections();
  Apply();
}

void Router::Eject(const std::string& deployment, std::int64_t version, const std::string& why) {
  std::lock_guard lock(mutex_);
  if (!table_) return;
  for (const DeploymentRoute& route : table_->deployments) {
    for (const VersionRoute& one : route.versions) {
      if (route.name == deployment && one.version == version)
        ejected_[deployment] = {version, why, one.weight};
    }
  }
  Apply();
}

void Router::LookAtCredentials(const std::stop_token& stop, std::chrono::milliseconds every) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    (void)stopped_.wait_for(lock, stop, every, [] { return false; });
    if (table_ && credentials_.Look(*table_, std::chrono::system_clock::now())) Apply();
  }
}

void Router::ForgetEjections() {
  std::erase_if(ejected_, [this](const auto& one) {
    for (const DeploymentRoute& route : table_->deployments) {
      if (route.name != one.first) continue;
      return std::none_of(route.versions.begin(), route.versions.end(), [&](const auto& version) {
        return version.version == one.second.version && version.weight == one.second.weight;
      });
    }
    return true;
  });
}

// Workers first, ports after: whoever connects to a new port finds its routes.
void Router::Apply() {
  std::map<std::string, std::int64_t> without;
  for (const auto& [name, one] : ejected_) without[name] = one.version;
  routes_ = builder_.Build(*table_, without, credentials_);
  std::latch done(static_cast<std::ptrdiff_t>(workers_.size()));
  for (const auto& worker : workers_) {
    worker->Post([this, &done](Worker& self) {
      self.Use(routes_);
      done.count_down();
    });
  }
  done.wait();
  const auto not_by_front = front_ ? front_->Use(routes_) : std::map<std::string, std::string>();
  if (finishing_) return;
  std::vector<std::uint16_t> ports;
  for (const auto& deployment : routes_->deployments) ports.push_back(deployment->port);
  const auto failed = acceptor_->Listen(ports);
  not_listening_ = not_by_front;
  for (const auto& deployment : routes_->deployments) {
    const auto found = failed.find(deployment->port);
    if (found != failed.end()) not_listening_[deployment->name] = found->second;
  }
}

void Router::CloseAfterAnswers() {
  for (const auto& worker : workers_) worker->CloseAfterAnswers();  // holds when this returns
}

bool Router::Finish(std::chrono::milliseconds limit) {
  {
    std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  acceptor_->StopListening();
  for (const auto& worker : workers_) worker->Post([](Worker& self) { self.CloseIdle(); });
  const auto end = std::chrono::steady_clock::now() + limit;
  const auto open = [this] {
    return std::any_of(workers_.begin(), workers_.end(),
                       [](const auto& worker) { return worker->requests() > 0; });
  };
  const bool front_is_done = !front_ || front_->Finish(limit);
  while (open() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(kLookEvery);
  return front_is_done && !open();
}

Router::Picture Router::Look() {
  std::lock_guard lock(mutex_);
  Picture picture{.routes = routes_,
                  .table = table_,
                  .not_listening = not_listening_,
                  .ejected = ejected_,
                  .draining = builder_.StillDraining()};
  for (const auto& worker : workers_) {
    picture.connections += worker->connections();
    picture.requests += worker->requests();
  }
  picture.turned_away = acceptor_->turned_away();
  if (front_) {
    picture.speaks_grpc = true;
    picture.connections += front_->connections();
    picture.requests += front_->requests();
    picture.turned_away += front_->turned_away();
  }
  return picture;
}

}  // namespace penstock::router
