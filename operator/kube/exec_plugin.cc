#include <cstdlib>
#include <system_error>

#include "operator/base/json.h"
#include "operator/kube/credentials.h"
#include "operator/os/command.h"

namespace penstock::kube {
namespace {

constexpr std::size_t kMaxOutput = 1 << 20;

Error PluginError(const ExecPlugin& plugin, const std::string& why) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = "credential plugin " + plugin.command + ": " + why;
  if (!plugin.install_hint.empty()) e.message += "\n" + plugin.install_hint;
  return e;
}

std::vector<std::string> Environment(const ExecPlugin& plugin) {
  Json info = {{"apiVersion", plugin.api_version},
               {"kind", "ExecCredential"},
               {"spec", {{"interactive", false}}}};
  if (!plugin.cluster_info.empty()) {
    info["spec"]["cluster"] = ParseJson(plugin.cluster_info, "the cluster's info").value_or(Json());
  }
  std::vector<std::string> out = OwnEnvironment();
  std::erase_if(out, [&](const std::string& entry) {
    return plugin.env.contains(entry.substr(0, entry.find('=')));
  });
  for (const auto& [name, value] : plugin.env) out.push_back(name + "=" + value);
  out.push_back("KUBERNETES_EXEC_INFO=" + info.dump());
  return out;
}

Result<ExecCredential> ParseAnswer(const ExecPlugin& plugin, const std::string& text) {
  const Json answer = ParseJson(text, "its answer").value_or(Json());
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
  ChildOptions options;
  options.argv = {plugin.command};
  options.argv.insert(options.argv.end(), plugin.args.begin(), plugin.args.end());
  options.environment = Environment(plugin);
  options.group = ChildGroup::kOurs;
  // By our PATH, whatever the plugin gets for its own.
  const char* path = std::getenv("PATH");
  options.program = FindProgram(plugin.command, path == nullptr ? "" : path).value_or("");
  StartFailure failure;
  const auto end = RunCommand(std::move(options), {.time = timeout, .bytes = kMaxOutput}, &failure);
  if (!end) {
    return PluginError(plugin,
                       "cannot start: " + std::generic_category().message(failure.error_number));
  }
  if (!end->exit) return PluginError(plugin, "it did not end in time");
  if (end->exit->ExitCode() != 0) {
    const auto tail = end->error.size() > 500 ? end->error.size() - 500 : 0;
    return PluginError(plugin, "it failed: " + end->error.substr(tail));
  }
  return ParseAnswer(plugin, end->output);
}

}  // namespace penstock::kube
