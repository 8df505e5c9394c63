#include "components/router/admin/load_sampler.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "operator/base/pause.h"

namespace penstock::router {

namespace {

constexpr int kShortestMs = 25;
constexpr int kLongestMs = 75;

}  // namespace

void SampleLoad(const Router::Picture& picture, double seconds) {
  if (!picture.routes) return;
  for (const auto& view : picture.routes->deployments) {
    for (const VersionView& version : view->versions) {
      int in_flight = 0;
      for (const auto& endpoint : version.endpoints)
        in_flight += std::max(0, endpoint->in_flight - endpoint->copies);
      if (in_flight > 0) version.statistics->Sampled(in_flight * seconds);
    }
  }
}

LoadSampler::LoadSampler(Router* router)
    : router_(router), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void LoadSampler::Run(const std::stop_token& stop) {
  std::minstd_rand random(std::random_device{}());
  std::uniform_int_distribution<int> pause(kShortestMs, kLongestMs);
  auto last = std::chrono::steady_clock::now();
  while (Pause(std::chrono::milliseconds(pause(random)), stop)) {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last).count();
    last = now;
    SampleLoad(router_->Look(), seconds);
    seconds_ = seconds_ + seconds;
  }
}

}  // namespace penstock::router
