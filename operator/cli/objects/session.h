// What every command works with: streams, surroundings and the flags that all commands know.
// Made once by main, or by a test. Used by the command's thread.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/kube/client.h"

namespace penstock::cli {

// Exit codes of the program.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;  // a run failed, a call failed, something is not there
inline constexpr int kUsage = 2;
inline constexpr int kInvalidSpec = 3;

struct GlobalFlags {
  std::string kubeconfig, context, namespace_;
  bool cluster = false;
  std::string state;  // --state
};

struct Cluster {
  std::unique_ptr<kube::Client> client;
  std::string namespace_;  // -n, else the context's
  std::string server;
  std::string context;
};

struct Session {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  const Clock& clock;
  std::map<std::string, std::string> env;
  std::filesystem::path directory;  // the working directory
  std::filesystem::path program;    // this program's file; others are looked for beside it
  std::string name = "penstock";    // as the user called it: "kubectl penstock" too
  bool terminal = false;            // out is a terminal
  int width = 80;
  bool asks = false;              // in and err are a terminal: whoever runs this can be asked
  std::stop_token interrupted{};  // used by the first Ctrl-C
  std::stop_token interrupted_twice{};
  std::function<Result<Cluster>(const GlobalFlags&)> connect{};
  GlobalFlags flags{};
  // A line of `in` from whoever is asked; Cancelled when `go_on` says that it is wanted no more
  // (line_input.h). None: `in` is read, however long that takes.
  std::function<Result<std::string>(const std::function<bool()>& go_on)> read_line{};

  [[nodiscard]] std::string Env(const std::string& variable) const;
  // "error: message" on err, and kFailed.
  int Fail(const Error& error) const;
  int Fail(int code, const std::string& message) const;
};

// Loads the kubeconfig and makes the HTTPS client; for Session::connect.
[[nodiscard]] Result<Cluster> ConnectToCluster(const GlobalFlags& flags, const Clock& clock);

// A program of ours: beside this one, in PENSTOCK_LIBEXEC, in <prefix>/libexec/penstock, or in
// PATH. kNotFound says where it was looked for.
[[nodiscard]] Result<std::filesystem::path> FindOurProgram(const Session& session,
                                                           const std::string& name);

}  // namespace penstock::cli
