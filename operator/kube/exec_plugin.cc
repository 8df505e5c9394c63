#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "operator/base/json.h"
#include "operator/kube/credentials.h"

extern char** environ;

namespace penstock::kube {
namespace {

constexpr std::size_t kMaxOutput = 1 << 20;

struct Output {
  std::string out;
  std::string err;
  bool timed_out = false;
};

Error PluginError(const ExecPlugin& plugin, const std::string& why) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = "credential plugin " + plugin.command + ": " + why;
  if (!plugin.install_hint.empty()) e.message += "\n" + plugin.install_hint;
  return e;
}

// Reads both pipes until they close or time is over.
Output Collect(int out_fd, int err_fd, std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  Output output;
  std::array<pollfd, 2> fds{{{out_fd, POLLIN, 0}, {err_fd, POLLIN, 0}}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0 || poll(fds.data(), fds.size(), static_cast<int>(left.count())) == 0) {
      output.timed_out = true;
      return output;
    }
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      std::array<char, 4096> buffer{};
      const ssize_t got = read(fds[i].fd, buffer.data(), buffer.size());
      std::string& text = i == 0 ? output.out : output.err;
      if (got <= 0 || text.size() > kMaxOutput) {
        fds[i].fd = -1;
      } else {
        text.append(buffer.data(), got);
      }
    }
  }
  return output;
}

std::vector<std::string> Environment(const ExecPlugin& plugin) {
  Json info = {{"apiVersion", plugin.api_version},
               {"kind", "ExecCredential"},
               {"spec", {{"interactive", false}}}};
  if (!plugin.cluster_info.empty()) {
    info["spec"]["cluster"] = Json::parse(plugin.cluster_info, nullptr, false);
  }
  std::vector<std::string> out;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string entry = *e;
    if (!plugin.env.contains(entry.substr(0, entry.find('=')))) out.push_back(entry);
  }
  for (const auto& [name, value] : plugin.env) out.push_back(name + "=" + value);
  out.push_back("KUBERNETES_EXEC_INFO=" + info.dump());
  return out;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Result<ExecCredential> ParseAnswer(const ExecPlugin& plugin, const std::string& text) {
  const Json answer = Json::parse(text, nullptr, false);
  if (!answer.is_object() || answer.value("kind", "") != "ExecCredential" ||
      !answer.contains("status") || !answer["status"].is_object()) {
    return PluginError(plugin, "it printed no ExecCredential with a status");
  }
  const Json& status = answer["status"];
  ExecCredential out;
  try {
    if (answer.value("apiVersion", "") != plugin.api_version) {
      return PluginError(plugin, "it answered in another apiVersion than " + plugin.api_version);
    }
    out.token = status.value("token", "");
    out.certificate_pem = status.value("clientCertificateData", "");
    out.key_pem = status.value("clientKeyData", "");
    if (const std::string expires = status.value("expirationTimestamp", ""); !expires.empty()) {
      auto time = ParseTime(expires);
      if (!time) return PluginError(plugin, "expirationTimestamp: " + time.error().message);
      out.expires = *time;
    }
  } catch (const Json::exception& e) {
    return PluginError(plugin, std::string("its answer has a field of a wrong type: ") + e.what());
  }
  if (out.certificate_pem.empty() != out.key_pem.empty()) {
    return PluginError(plugin, "it gave a client certificate without key, or a key without it");
  }
  if (out.token.empty() && out.certificate_pem.empty()) {
    return PluginError(plugin, "it gave neither token nor client certificate");
  }
  return out;
}

}  // namespace

Result<ExecCredential> RunExecPlugin(const ExecPlugin& plugin, std::chrono::milliseconds timeout) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0) return PluginError(plugin, std::strerror(errno));
  if (pipe2(err.data(), O_CLOEXEC) != 0) {
    close(out[0]);
    close(out[1]);
    return PluginError(plugin, std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  std::vector<std::string> argv{plugin.command};
  argv.insert(argv.end(), plugin.args.begin(), plugin.args.end());
  std::vector<std::string> env = Environment(plugin);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, plugin.command.c_str(), &actions, nullptr,
                                  Pointers(argv).data(), Pointers(env).data());
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  close(err[1]);
  Output output;
  int status = 0;
  if (failed == 0) {
    output = Collect(out[0], err[0], timeout);
    if (output.timed_out) kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  close(out[0]);
  close(err[0]);
  if (failed != 0)
    return PluginError(plugin, std::string("cannot start: ") + std::strerror(failed));
  if (output.timed_out) return PluginError(plugin, "it did not end in time");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const auto tail = output.err.size() > 500 ? output.err.size() - 500 : 0;
    return PluginError(plugin, "it failed: " + output.err.substr(tail));
  }
  return ParseAnswer(plugin, output.out);
}

}  // namespace penstock::kube
