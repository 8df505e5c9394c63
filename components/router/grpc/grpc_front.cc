#include "components/router/grpc/grpc_front.h"

#include <grpc/support/log.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "components/router/grpc/call.h"
#include "components/router/grpc/port.h"

namespace penstock::router {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookAtCallsEvery{50};
constexpr int kLooksUntilCount = 20;  // connections are looked at one by one
constexpr std::chrono::milliseconds kLastGrace{200};
// Of a port that is not wanted any more, for its calls to end.
constexpr std::chrono::milliseconds kPortGrace{30'000};
// What gRPC holds of messages that are not yet complete, in this many of the largest: near its end
// it ends calls at random.
constexpr int kQuotaInMessages = 3;
constexpr std::int64_t kLeastQuota = std::int64_t{64} << 20;

// What clients send wrong is answered to them; gRPC would write it to the log, as often as it
// comes.
void BeSilent() {
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

class GrpcFront final : public Front, private CallHost {
 public:
  explicit GrpcFront(const GrpcOptions& options) : address_(options.address) {
    limits = options.limits;
    shard = options.shard;
  }
  ~GrpcFront() override {
    thread_ = {};
    (void)Finish({});
    retired_.clear();
  }
  GrpcFront(const GrpcFront&) = delete;
  GrpcFront& operator=(const GrpcFront&) = delete;

  std::map<std::string, std::string> Use(std::shared_ptr<const LiveRoutes> routes) override;
  bool Finish(std::chrono::milliseconds limit) override;
  int connections() override { return connections_; }
  int requests() const override { return calls; }
  std::int64_t turned_away() const override { return turned_away_; }

 private:
  using Ports = std::map<std::uint16_t, std::unique_ptr<GrpcPort>>;

  // CallHost
  std::shared_ptr<const GrpcDeployment> OfPort(std::uint16_t port) const override;
  void Enter(Call* call) override;
  void Leave(Call* call) override;

  void Begin();
  void LookAtCalls();
  void LookAgain(const std::stop_token& stop);
  void Listen(const DeploymentView& view, std::map<std::string, std::string>* failed);
  void Retire(std::unique_ptr<GrpcPort> port);
  [[nodiscard]] int CountConnections();

  const std::string address_;
  std::unique_ptr<grpc::ResourceQuota> quota_;  // null: nothing has begun
  std::unique_ptr<GrpcRouteBuilder> builder_;
  mutable std::mutex routes_mutex_;
  std::shared_ptr<const GrpcRoutes> routes_ = std::make_shared<GrpcRoutes>();
  std::mutex ports_mutex_;
  Ports ports_;             // guarded by ports_mutex_
  bool finishing_ = false;  // guarded by ports_mutex_
  struct Retired {
    std::shared_ptr<std::atomic<bool>> ended;
    std::jthread thread;
  };
  std::vector<Retired> retired_;  // guarded by ports_mutex_
  std::atomic<int> connections_{0};
  std::atomic<std::int64_t> turned_away_{0};
  std::mutex registry_mutex_;
  std::condition_variable_any stopped_;
  std::unordered_set<Call*> registry_;  // guarded by registry_mutex_
  std::jthread thread_;
};

void GrpcFront::Begin() {
  if (quota_) return;
  BeSilent();
  quota_ = std::make_unique<grpc::ResourceQuota>("penstock-router");
  quota_->Resize(static_cast<std::size_t>(
      std::max(kLeastQuota, kQuotaInMessages * limits.grpc_message_bytes)));
  builder_ = std::make_unique<GrpcRouteBuilder>(limits, *quota_);
  thread_ = std::jthread([this](const std::stop_token& stop) { LookAgain(stop); });
}

// Routes first, ports after: whoever connects to a new port finds its routes.
std::map<std::string, std::string> GrpcFront::Use(std::shared_ptr<const LiveRoutes> routes) {
  const bool any = std::any_of(routes->deployments.begin(), routes->deployments.end(),
                               [](const auto& view) { return view->grpc_port != 0; });
  if (!any && !quota_) return {};
  Begin();
  {
    auto made = builder_->Build(*routes);
    const std::lock_guard lock(routes_mutex_);
    routes_ = std::move(made);
  }
  std::map<std::string, std::string> failed;
  {
    const std::lock_guard lock(ports_mutex_);
    if (!finishing_) {
      for (auto it = ports_.begin(); it != ports_.end();) {
        const auto wanted = OfPort(it->first);
        const bool same = wanted && wanted->view->edge.secure == it->second->secure();
        if (!same) Retire(std::move(it->second));
        it = same ? std::next(it) : ports_.erase(it);
      }
      for (const auto& view : routes->deployments)
        if (view->grpc_port != 0) Listen(*view, &failed);
    }
  }
  LookAtCalls();  // those that are held
  return failed;
}

void GrpcFront::Listen(const DeploymentView& view, std::map<std::string, std::string>* failed) {
  const auto found = ports_.find(view.grpc_port);
  if (found != ports_.end()) {
    if (view.edge.secure && view.edge.tls) found->second->Show(view.edge.tls);
    return;
  }
  // Nobody is answered by a port that has no certificate yet.
  if (view.edge.secure && !view.edge.tls) return;
  GrpcPort::Options options;
  options.address = address_;
  options.port = view.grpc_port;
  options.tls = view.edge.secure ? view.edge.tls : nullptr;
  options.limits = limits;
  options.answer = [this](grpc::GenericCallbackServerContext* context, std::uint16_t port,
                          bool secure) -> grpc::ServerGenericBidiReactor* {
    return new Call(this, context, port, secure);
  };
  options.turned_away = [this] { ++turned_away_; };
  auto opened = GrpcPort::Open(options, *quota_);
  if (opened) {
    ports_[view.grpc_port] = *std::move(opened);
  } else {
    (*failed)[view.name] = opened.error().message;
  }
}

// Its calls end by themselves, or are cut off; that takes a thread meanwhile.
void GrpcFront::Retire(std::unique_ptr<GrpcPort> port) {
  port->StopListening();
  std::erase_if(retired_, [](const Retired& one) { return one.ended->load(); });
  auto ended = std::make_shared<std::atomic<bool>>(false);
  retired_.push_back({ended, std::jthread([ended, port = std::shared_ptr(std::move(port))] {
                        port->End(kPortGrace);
                        *ended = true;
                      })});
}

bool GrpcFront::Finish(std::chrono::milliseconds limit) {
  const auto end = SteadyClock::now() + limit;
  {
    const std::lock_guard lock(ports_mutex_);
    finishing_ = true;
    for (auto& [number, port] : ports_) port->StopListening();
  }
  // Connections are asked to go as they come of age, with no call lost: a server that shuts down
  // would end those that arrive before its clients know.
  while (SteadyClock::now() < end && (calls > 0 || CountConnections() > 0))
    std::this_thread::sleep_for(kLookAtCallsEvery);
  const bool done = calls == 0;
  const std::lock_guard lock(ports_mutex_);
  for (auto& [number, port] : ports_) port->End(kLastGrace);
  ports_.clear();
  return done;
}

int GrpcFront::CountConnections() {
  const std::lock_guard lock(ports_mutex_);
  std::size_t sum = 0;
  for (auto& [number, port] : ports_) sum += port->connections();
  return static_cast<int>(sum);
}

std::shared_ptr<const GrpcDeployment> GrpcFront::OfPort(std::uint16_t port) const {
  const std::lock_guard lock(routes_mutex_);
  const auto found = routes_->find(port);
  return found == routes_->end() ? nullptr : found->second;
}

void GrpcFront::Enter(Call* call) {
  ++calls;
  const std::lock_guard lock(registry_mutex_);
  registry_.insert(call);
}

void GrpcFront::Leave(Call* call) {
  {
    const std::lock_guard lock(registry_mutex_);
    registry_.erase(call);
  }
  --calls;  // at the end: whoever sees that there is none may go
}

void GrpcFront::LookAtCalls() {
  const std::lock_guard lock(registry_mutex_);
  const Moment now = NowMs();
  for (Call* const call : registry_) call->Look(now);
}

void GrpcFront::LookAgain(const std::stop_token& stop) {
  for (int looks = 0; !stop.stop_requested(); ++looks) {
    {
      std::unique_lock lock(registry_mutex_);
      (void)stopped_.wait_for(lock, stop, kLookAtCallsEvery, [] { return false; });
    }
    LookAtCalls();
    if (looks % kLooksUntilCount == 0) connections_ = CountConnections();
  }
}

}  // namespace

std::unique_ptr<Front> MakeGrpcFront(const GrpcOptions& options) {
  return std::make_unique<GrpcFront>(options);
}

}  // namespace penstock::router
