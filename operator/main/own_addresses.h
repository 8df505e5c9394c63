// The addresses of a cluster that nobody may have contacted on his behalf: the API server's, and
// those of what stands in the operator's own namespace. Asked of the API server, at most every 30
// s, when somebody wants to know. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "operator/base/time.h"
#include "operator/kube/client.h"

namespace penstock::main {

class OwnAddresses {
 public:
  // `server_host`: as the client's configuration names the API server. What it refers to must
  // outlive it. `stop` ends its calls.
  OwnAddresses(kube::Client& client, const Clock& clock, std::string ns, std::string server_host,
               std::stop_token stop = {})
      : client_(client),
        clock_(clock),
        ns_(std::move(ns)),
        server_host_(std::move(server_host)),
        stop_(std::move(stop)) {}

  // What was known last, where they cannot be asked for now; kTransient where nothing ever was.
  // After a failure nobody asks for two seconds: those who come meanwhile get the same answer.
  [[nodiscard]] Result<std::vector<std::string>> Get();

 private:
  [[nodiscard]] Result<std::vector<std::string>> Ask() const;

  kube::Client& client_;
  const Clock& clock_;
  const std::string ns_;
  const std::string server_host_;
  const std::stop_token stop_;
  std::mutex mutex_;
  std::vector<std::string> known_;  // empty: never
  Error why_unknown_;               // while it is
  std::chrono::steady_clock::time_point ask_again_{};
};

}  // namespace penstock::main
