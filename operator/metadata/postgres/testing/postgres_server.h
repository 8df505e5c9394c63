// A real PostgreSQL server on loopback, in a folder of its own, as a user without rights. For tests
// only; ends with the object.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "operator/os/child_process.h"

namespace penstock::metadata {

class PostgresServer {
 public:
  // Null where it cannot be had here, and says why: its package is not installed. Throws where it
  // is and does not start.
  [[nodiscard]] static std::unique_ptr<PostgresServer> Start(std::string& why_not);
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  static constexpr const char* kUser = "reader";
  static constexpr const char* kPassword = "pass word%1";
  [[nodiscard]] int port() const { return port_; }
  // The one that signs itself, for 127.0.0.1.
  [[nodiscard]] const std::string& certificate() const { return certificate_; }
  // "host=127.0.0.1 port=... dbname=postgres user=reader".
  [[nodiscard]] std::string Address() const;
  // Statements as a superuser, who is `reader` too. Throws for what fails.
  std::string Sql(const std::string& statements);

  // SIGKILL to all its processes: what a node does that loses power.
  void Kill();
  // The same server again, on the same port and folder. Throws where it does not start.
  void StartAgain() { Launch(); }

 private:
  PostgresServer(std::filesystem::path programs, std::filesystem::path folder);
  void Prepare();
  void Launch();
  std::string Run(const std::string& program, const std::vector<std::string>& words,
                  bool as_server);
  [[nodiscard]] ChildOptions Options(const std::string& program,
                                     const std::vector<std::string>& words, bool as_server) const;

  const std::filesystem::path programs_;
  const std::filesystem::path folder_;
  int port_ = 0;
  std::string certificate_;
  std::optional<ChildProcess> process_;
};

}  // namespace penstock::metadata
