// A way to the operator's gateway from outside of the cluster: `kubectl port-forward`, which the
// API server authenticates at both ends. The child ends with this object. Used by one thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "operator/cli/objects/session.h"
#include "operator/os/child_process.h"

namespace penstock::cli {

class Tunnel {
 public:
  // Finds the gateway's Service by its labels and waits until kubectl forwards to it. The error
  // says how to reach the gateway by hand.
  [[nodiscard]] static Result<std::unique_ptr<Tunnel>> Open(const Cluster& cluster,
                                                            const Session& session);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  Tunnel(ChildProcess child, std::filesystem::path log)
      : child_(std::move(child)), log_(std::move(log)) {}
  [[nodiscard]] Result<void> AwaitPort(std::stop_token stop);

  ChildProcess child_;
  std::filesystem::path log_;
  std::string url_;
};

// The port of kubectl's line "Forwarding from 127.0.0.1:34567 -> 8443", or 0 while it is not there.
[[nodiscard]] int ForwardedPort(const std::string& log);

}  // namespace penstock::cli
