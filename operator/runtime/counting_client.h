// A client that tells of every write: how many API writes a step costs is a promise (at most 4),
// so it is counted where all of them pass: those of controllers, events, leases and token reviews.
// Thread-safe as the client below it.
#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include "operator/kube/forwarding_client.h"

namespace penstock::runtime {

class CountingClient : public kube::ForwardingClient {
 public:
  // `count(verb, kind)` is called before a write is sent: create, update, update_status, apply,
  // patch, delete.
  using Count = std::function<void(std::string_view verb, std::string_view kind)>;
  CountingClient(kube::Client& below, Count count)
      : ForwardingClient(below), count_(std::move(count)) {}

 protected:
  Result<void> Before(std::string_view write, const kube::ResourceType& type) override {
    if (!write.empty()) count_(write, type.kind);
    return {};
  }

 private:
  const Count count_;
};

}  // namespace penstock::runtime
