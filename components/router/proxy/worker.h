// One thread with its event loop, connections, blocks and upstream connections; what it holds no
// other thread touches. Others hand it work by Post.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "components/router/http1/head.h"
#include "components/router/proxy/buffer.h"
#include "components/router/proxy/limits.h"
#include "components/router/proxy/live_routes.h"
#include "components/router/proxy/poller.h"
#include "components/router/proxy/upstream.h"

namespace penstock::router {

class ClientConnection;
class ShadowCopy;
struct ShadowJob;

class Worker {
 public:
  // `comparer` outlives it.
  Worker(std::size_t index, const Limits& limits, ShadowComparer* comparer);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  [[nodiscard]] Result<void> Start();
  void Stop();  // joins; what is open is dropped

  // Any thread.
  void Post(std::function<void(Worker&)> work);
  [[nodiscard]] int connections() const { return connections_; }
  void Expect() { ++connections_; }  // one that will be adopted, counted from now on
  [[nodiscard]] int requests() const { return requests_; }  // under way, held ones too

  // On its thread, by Post.
  void Adopt(int fd, std::uint16_t port);
  void Use(std::shared_ptr<const LiveRoutes> routes);
  void CloseAfterAnswers();  // every answer from now on says so
  void CloseIdle();          // and no connection stays without a request

  // On its thread, by its connections.
  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] const LiveRoutes& routes() const { return *routes_; }
  [[nodiscard]] Moment now() const { return now_; }  // of this round of events
  [[nodiscard]] bool closing() const { return closing_; }
  [[nodiscard]] BlockPool* blocks() { return &blocks_; }
  [[nodiscard]] UpstreamPool* upstreams() { return &upstreams_; }
  [[nodiscard]] std::size_t NextStart() { return next_start_++; }
  // True once a sweep: whether a held request may try an endpoint that cannot be reached.
  [[nodiscard]] bool TakeProbe() { return std::exchange(may_probe_, false); }
  // Heads are read and written anew within one call: one of each suffices.
  [[nodiscard]] http1::RequestHead* request_head() { return &request_head_; }
  [[nodiscard]] http1::AnswerHead* answer_head() { return &answer_head_; }

  using Connections = std::list<std::unique_ptr<ClientConnection>>;
  // Where a connection stands: those that wait for a request, since when ascending, and the others.
  void MoveToIdle(Connections::iterator which);
  void MoveToBusy(Connections::iterator which);
  void Retire(Connections::iterator which, bool idle);
  void CountRequest(int by) { requests_ += by; }
  // Null where too many copies are under way, or will be once their requests are answered.
  [[nodiscard]] std::unique_ptr<ShadowJob> NewShadow();
  void StartShadow(std::unique_ptr<ShadowJob> job);
  void Retire(ShadowCopy* copy);

 private:
  void Run();
  void DoPosted();
  void Sweep();

  const std::size_t index_;
  const Limits limits_;
  ShadowComparer* const comparer_;
  Poller poller_;
  BlockPool blocks_;
  UpstreamPool upstreams_;
  std::shared_ptr<const LiveRoutes> routes_ = std::make_shared<LiveRoutes>();
  Moment now_ = 0;
  Moment next_sweep_ = 0;
  std::atomic<bool> closing_{false};
  bool closing_idle_ = false;
  std::size_t next_start_ = 0;
  bool may_probe_ = false;
  http1::RequestHead request_head_;
  http1::AnswerHead answer_head_;
  int shadow_jobs_ = 0;  // before whatever holds a job
  Connections idle_;
  Connections busy_;
  Connections retired_;
  std::list<std::unique_ptr<ShadowCopy>> shadows_;
  std::list<std::unique_ptr<ShadowCopy>> retired_shadows_;

  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::function<void(Worker&)>> posted_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace penstock::router
