// A copy of a request that a version is tried with: sent once the client has its answer, whole and
// bounded, and answered to nobody; the two answers are compared. One thread, the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "components/router/observe/shadow_comparer.h"
#include "components/router/proxy/live_routes.h"
#include "components/router/proxy/upstream.h"

namespace penstock::router {

class Worker;

// Requests and answers beyond it are not copied.
inline constexpr std::size_t kMostShadowBytes = 256U << 10;

// Made with a request that is to be copied, so that what copies hold is bounded from then on.
struct ShadowJob {
  explicit ShadowJob(int* jobs) : count(jobs) { ++*count; }
  ~ShadowJob() { --*count; }
  ShadowJob(const ShadowJob&) = delete;
  ShadowJob& operator=(const ShadowJob&) = delete;

  int* const count;        // of the worker's jobs
  std::uint16_t port = 0;  // of the deployment
  std::int64_t version = 0;
  std::string request;  // as it was sent
  std::string answer;   // of the version that the client asked, with its framing
  bool answer_chunked = false;
  std::size_t answer_head = 0;  // bytes of its head
  std::string output;
  std::optional<double> threshold;
  std::shared_ptr<ShadowStatistics> statistics;
};

class ShadowCopy final : public UpstreamUser {
 public:
  ShadowCopy(Worker* worker, ShadowComparer* comparer, std::unique_ptr<ShadowJob> job);
  ~ShadowCopy() override = default;
  ShadowCopy(const ShadowCopy&) = delete;
  ShadowCopy& operator=(const ShadowCopy&) = delete;

  void Start();
  void OnUpstream() override;
  void OnSweep();
  void Drop();

 private:
  [[nodiscard]] bool Send();
  [[nodiscard]] bool Receive();  // false: no answer will come
  void TryToFinish();
  void End(bool reusable);
  void Fail();

  Worker* const worker_;
  ShadowComparer* const comparer_;
  std::unique_ptr<ShadowJob> job_;
  UpstreamConnection* upstream_ = nullptr;
  Moment deadline_ = 0;
  std::size_t sent_ = 0;
  std::string answer_;
  bool answer_ended_ = false;  // by the connection's end
  bool over_ = false;
};

}  // namespace penstock::router
