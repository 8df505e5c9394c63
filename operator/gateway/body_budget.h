// The memory that the bodies of requests may take while they are read and parsed: one budget for
// all callers, of which no namespace holds more than a quarter. Bodies that are as large as what
// they carry (blobs, predictions) go to the disk as they come and need none. Thread-safe.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "operator/base/byte_budget.h"
#include "operator/base/result.h"

namespace penstock::gateway {

class BodyBudget {
 public:
  // A byte of JSON stands for so much memory at most: "{}," becomes an object.
  static constexpr std::uint64_t kMemoryPerByte = 32;

  // `memory`: bytes of it for all bodies together.
  explicit BodyBudget(std::uint64_t memory)
      : all_(memory / kMemoryPerByte), share_(all_.most() / 4) {}

  [[nodiscard]] std::uint64_t share() const { return share_; }  // of a namespace, in bytes

  // What one request holds, given back when it goes. Used by one thread.
  class Held {
   public:
    Held(BodyBudget& of, const std::string& ns)
        : own_budget_(of.ShareOf(ns)), own_(own_budget_.get()), all_(&of.all_) {}

    // `bytes` instead of what it holds: kTooLarge where that can never be, kOverloaded where others
    // hold too much now.
    [[nodiscard]] Result<void> Hold(std::uint64_t bytes) {
      if (bytes > own_budget_->most())
        return Refused(ErrorKind::kTooLarge,
                       "the body is over the " + std::to_string(own_budget_->most()) +
                           " bytes that the gateway's memory allows; give the operator more");
      if (!own_.Hold(bytes))
        return Refused(
            ErrorKind::kOverloaded,
            "other requests of the namespace hold its share of the gateway's memory; try "
            "again");
      if (!all_.Hold(bytes))
        return Refused(ErrorKind::kOverloaded,
                       "other requests hold the gateway's memory; try again");
      return {};
    }

   private:
    static Error Refused(ErrorKind kind, std::string message) {
      Error e;
      e.kind = kind;
      e.message = std::move(message);
      return e;
    }
    const std::shared_ptr<ByteBudget> own_budget_;
    ByteBudget::Share own_;
    ByteBudget::Share all_;
  };

 private:
  std::shared_ptr<ByteBudget> ShareOf(const std::string& ns) {
    const std::lock_guard lock(mutex_);
    std::erase_if(shares_, [](const auto& entry) { return entry.second.expired(); });
    auto share = shares_[ns].lock();
    if (share == nullptr) {
      share = std::make_shared<ByteBudget>(share_);
      shares_[ns] = share;
    }
    return share;
  }

  ByteBudget all_;
  const std::uint64_t share_;  // of one namespace
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<ByteBudget>> shares_;  // of namespaces with requests
};

}  // namespace penstock::gateway
