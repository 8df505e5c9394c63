// Which pods may run now on this machine: their requests against its CPU, memory and devices, as a
// kubelet admits them. First come, first served among those that fit; a large pod is not starved,
// because nobody overtakes it for more than kMaxOvertakes times.
//
// Thread-safe. A Seat gives its share back when it is destroyed; it must not outlive its Admission.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::local {

struct Resources {
  std::int64_t cpu_milli = 0;
  std::int64_t memory = 0;                    // bytes
  std::map<std::string, std::int64_t> other;  // nvidia.com/gpu and its kind
  bool operator==(const Resources&) const = default;
};

// This machine's processors (as far as the process may use them), memory and NVIDIA devices.
[[nodiscard]] Resources MachineCapacity();

// What a pod's containers request together; a limit without a request counts as one. Invalid with
// the container and the resource for what is no quantity. Storage requests are not counted.
[[nodiscard]] Result<Resources> PodRequests(const Json& pod);

class Admission {
 public:
  static constexpr int kMaxOvertakes = 8;
  static constexpr int kMaxPods = 110;  // the kubelet's own default

  explicit Admission(Resources capacity);

  class Seat {
   public:
    Seat(Admission* admission, Resources taken, std::map<std::string, std::vector<int>> devices)
        : admission_(admission), taken_(std::move(taken)), devices_(std::move(devices)) {}
    Seat(Seat&& other) noexcept;
    Seat& operator=(Seat&&) = delete;
    ~Seat();
    // The indices of the devices that are this seat's, by resource name.
    [[nodiscard]] const std::map<std::string, std::vector<int>>& devices() const {
      return devices_;
    }

   private:
    Admission* admission_;
    Resources taken_;
    std::map<std::string, std::vector<int>> devices_;
  };

  // "" when the request fits an idle machine, else the scheduler's words for why it never will.
  [[nodiscard]] std::string WhyNever(const Resources& request) const;

  // Waits for a place. Calls `waiting` once, without the lock, when there is none at once, with the
  // scheduler's words. nullopt when `stop` was used.
  [[nodiscard]] std::optional<Seat> Enter(const Resources& request, std::stop_token stop,
                                          const std::function<void(const std::string&)>& waiting);

 private:
  struct Waiter {
    const Resources* request;
    int overtaken = 0;
  };
  [[nodiscard]] std::string WhyNotNow(const Resources& request) const;  // under mutex_
  [[nodiscard]] bool MayEnter(const std::list<Waiter>::iterator& waiter);
  Seat Take(const Resources& request);
  void Leave(const Resources& taken, const std::map<std::string, std::vector<int>>& devices);

  const Resources capacity_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Resources used_;
  int pods_ = 0;
  std::map<std::string, std::vector<int>> free_devices_;
  std::list<Waiter> waiters_;
};

}  // namespace penstock::local
