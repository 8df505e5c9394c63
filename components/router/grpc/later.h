// Something that a call does a moment later, if it is still there. Internal to call*.cc.
#pragma once

#include <grpcpp/alarm.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

#include "components/router/grpc/call.h"

namespace penstock::router {

struct Call::Later {
  explicit Later(Call* of) : call(of) {}

  // `act(call)` in gRPC's own threads, after `pause`. Once.
  template <typename F>
  static void Set(const std::shared_ptr<Later>& later, std::chrono::milliseconds pause, F act) {
    later->alarm.Set(std::chrono::system_clock::now() + pause, [later, act](bool /*late*/) {
      const std::lock_guard lock(later->mutex);
      if (later->call != nullptr) act(later->call);
    });
  }
  // The call is about to go.
  void Forget() {
    const std::lock_guard lock(mutex);
    call = nullptr;
  }

  std::mutex mutex;
  Call* call;  // guarded by mutex
  grpc::Alarm alarm;
};

}  // namespace penstock::router
