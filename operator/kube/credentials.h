// The bearer token of a request: fixed, from a file that is rotated under us, or from an exec
// plugin. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time.h"

namespace penstock::kube {

// user.exec of a kubeconfig.
struct ExecPlugin {
  std::string command;  // resolved; looked up in PATH when it has no slash
  std::vector<std::string> args;
  std::map<std::string, std::string> env;
  std::string api_version;
  std::string install_hint;
  // KUBERNETES_EXEC_INFO's spec.cluster, as JSON text; empty unless provideClusterInfo.
  std::string cluster_info;
};

// What a plugin answered.
struct ExecCredential {
  std::string token;
  std::string certificate_pem;
  std::string key_pem;
  std::optional<TimePoint> expires;
};

// Runs the plugin, which gets no terminal, for at most `timeout`. Forbidden when it fails or
// answers what is no ExecCredential; the message holds its stderr's end and the install hint.
[[nodiscard]] Result<ExecCredential> RunExecPlugin(const ExecPlugin& plugin,
                                                   std::chrono::milliseconds timeout);

class TokenSource {
 public:
  // One of the three, or none: no token.
  struct Settings {
    std::string token;
    std::string file;
    std::optional<ExecPlugin> exec;
  };
  TokenSource(Settings settings, const Clock& clock)
      : settings_(std::move(settings)), clock_(clock) {}

  // The token to send, or "". A file is read again each 60 s and a failing read keeps the old
  // token; a plugin runs again 10 s before its credential expires.
  [[nodiscard]] Result<std::string> Token();

  // After a 401: the next Token() reads again. Gives true when that can bring another token.
  bool Invalidate();

  // The plugin's client certificate, when it gave one. Call Token() before.
  [[nodiscard]] std::pair<std::string, std::string> ClientCertificate() const;

 private:
  [[nodiscard]] Result<std::string> FromFile();
  [[nodiscard]] Result<std::string> FromPlugin();

  const Settings settings_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::string cached_;
  bool valid_ = false;
  std::chrono::steady_clock::time_point read_{};
  ExecCredential credential_;
};

}  // namespace penstock::kube
