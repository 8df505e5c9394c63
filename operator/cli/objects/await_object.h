// Waits for what an object is to become. Any thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace penstock::cli {

struct AwaitOptions {
  std::stop_token stop = {};
  // Ends each watch, for what passes without an event.
  std::optional<std::chrono::seconds> look_again = {};
  // Gets a sentence when asking fails, once while it stays the same.
  std::function<void(const std::string&)> say = {};
  // Waits between two tries; false: stopped. None: on the clock, until `stop`.
  std::function<bool(std::chrono::milliseconds)> pause = {};
};

// Shows `enough` each state of the object until it says true, and gives that state. However a watch
// ends, the object is read again and the next watch goes on from there; where one is refused or
// ends at once, after a pause that grows to five seconds. What passes by itself is waited for; the
// error is one that does not: NotFound, Cancelled, Forbidden five times in a row, ...
[[nodiscard]] Result<Json> ReadUntil(kube::Client& client, const kube::ResourceType& type,
                                     const std::string& ns, const std::string& name,
                                     const std::function<bool(const Json&)>& enough,
                                     const AwaitOptions& options = {});

}  // namespace penstock::cli
