#include "components/router/proxy/worker.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "components/router/proxy/client_connection.h"
#include "components/router/proxy/shadow_copy.h"

namespace penstock::router {

namespace {

// How late a time-out may be noticed: a timer a request would cost more than that is worth.
constexpr Moment kSweepEvery = 100;

}  // namespace

Worker::Worker(std::size_t index, const Limits& limits, ShadowComparer* comparer)
    : index_(index), limits_(limits), comparer_(comparer), upstreams_(&poller_) {}

Worker::~Worker() { Stop(); }

Result<void> Worker::Start() {
  if (auto opened = poller_.Open(); !opened) return opened.error();
  thread_ = std::thread([this] { Run(); });
  return {};
}

void Worker::Stop() {
  stopping_ = true;
  poller_.Wake();
  if (thread_.joinable()) thread_.join();
}

void Worker::Post(std::function<void(Worker&)> work) {
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  poller_.Wake();
}

void Worker::Run() {
  while (!stopping_) {
    now_ = NowMs();
    if (now_ >= next_sweep_) Sweep();
    poller_.Round(static_cast<int>(std::max<Moment>(0, next_sweep_ - now_)));
    DoPosted();
    retired_.clear();
    retired_shadows_.clear();
    upstreams_.Bury();
  }
  // In this order: connections give their upstream connections back.
  for (auto* list : {&busy_, &idle_}) {
    while (!list->empty()) list->front()->Drop();
  }
  while (!shadows_.empty()) shadows_.front()->Drop();
  retired_.clear();
  retired_shadows_.clear();
}

void Worker::DoPosted() {
  std::vector<std::function<void(Worker&)>> work;
  {
    std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  for (const auto& one : work) one(*this);
}

void Worker::Adopt(int fd, std::uint16_t port) {
  const int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL_CTX* context = nullptr;
  if (const auto deployment = routes_->OfPort(port); deployment && deployment->edge.secure) {
    if (!deployment->edge.tls) {  // no certificate to show: never without one
      close(fd);
      --connections_;
      return;
    }
    context = deployment->edge.tls->context();
  }
  idle_.push_back(std::make_unique<ClientConnection>(this, fd, port, context));
  ClientConnection* const connection = idle_.back().get();
  connection->Start(std::prev(idle_.end()));
  if (!poller_.Add(fd, connection)) connection->Drop();
}

void Worker::Use(std::shared_ptr<const LiveRoutes> routes) {
  routes_ = std::move(routes);
  upstreams_.Sweep(now_);
  for (auto it = busy_.begin(); it != busy_.end();) (*it++)->OnRoutes();
}

void Worker::CloseAfterAnswers() { closing_ = true; }

void Worker::CloseIdle() {
  closing_ = closing_idle_ = true;
  for (auto it = idle_.begin(); it != idle_.end();) (*it++)->CloseIfUnused();
}

void Worker::MoveToIdle(Connections::iterator which) {
  idle_.splice(idle_.end(), busy_, which);
  if (closing_idle_) (*which)->Drop();
}

void Worker::MoveToBusy(Connections::iterator which) { busy_.splice(busy_.end(), idle_, which); }

void Worker::Retire(Connections::iterator which, bool idle) {
  retired_.splice(retired_.end(), idle ? idle_ : busy_, which);
  --connections_;
}

std::unique_ptr<ShadowJob> Worker::NewShadow() {
  if (shadow_jobs_ >= limits_.shadows) return nullptr;
  return std::make_unique<ShadowJob>(&shadow_jobs_);
}

void Worker::StartShadow(std::unique_ptr<ShadowJob> job) {
  shadows_.push_back(std::make_unique<ShadowCopy>(this, comparer_, std::move(job)));
  shadows_.back()->Start();
}

void Worker::Retire(ShadowCopy* copy) {
  const auto found = std::find_if(shadows_.begin(), shadows_.end(),
                                  [copy](const auto& one) { return one.get() == copy; });
  if (found != shadows_.end()) retired_shadows_.splice(retired_shadows_.end(), shadows_, found);
}

void Worker::Sweep() {
  next_sweep_ = now_ + kSweepEvery;
  may_probe_ = true;
  for (auto it = busy_.begin(); it != busy_.end();) (*it++)->OnSweep();
  while (!idle_.empty() && idle_.front()->IsLate()) idle_.front()->Drop();
  for (auto it = shadows_.begin(); it != shadows_.end();) (*it++)->OnSweep();
  upstreams_.Sweep(now_);
}

}  // namespace penstock::router
