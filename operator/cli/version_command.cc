// penstock version and penstock completion.
#include <ostream>

#include "operator/base/json.h"
#include "operator/base/version.h"
#include "operator/cli/commands.h"
#include "operator/kube/client.h"

namespace penstock::cli {
namespace {

// The operator's version, by its own Deployment; empty when it cannot be seen.
std::string ServerVersion(Session& session) {
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return "";
  kube::ListOptions options;
  options.label_selector = "app.kubernetes.io/name=penstock";
  const kube::ResourceType deployments{"apps", "v1", "deployments", "Deployment"};
  kube::Call call;
  call.timeout = std::chrono::seconds(3);
  call.stop = session.interrupted;
  const Result<kube::ListPage> page = cluster->client->List(deployments, "", options, call);
  if (!page) return "";
  for (const Json& item : page->items) {
    const Json labels = item["metadata"].value("labels", Json::object());
    std::string version = labels.value("app.kubernetes.io/version", "");
    if (!version.empty()) return version;
  }
  return "";
}

constexpr const char* kBash =
    R"sh(# penstock completion for bash: source <(penstock completion bash)
_penstock() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  local commands="run serve validate get logs describe diff cancel debug artifact model apply predict version completion"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "$commands --help --version" -- "$cur"))
    return
  fi
  case "${COMP_WORDS[1]}" in
    get)
      if [ "$COMP_CWORD" -eq 2 ]; then
        COMPREPLY=($(compgen -W "pipelines runs components models all" -- "$cur"))
      else
        COMPREPLY=($(compgen -W "$(penstock get "${COMP_WORDS[2]}" -o name 2>/dev/null | sed 's|.*/||')" -- "$cur"))
      fi ;;
    logs|describe|diff|cancel|debug)
      COMPREPLY=($(compgen -W "$(penstock get runs -o name 2>/dev/null | sed 's|.*/||')" -- "$cur")) ;;
    artifact)
      if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "put get ls predictions" -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    model)
      if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "list show diff alias push digest" -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -f -- "$cur")) ;;
  esac
}
complete -o filenames -F _penstock penstock
)sh";

constexpr const char* kZsh = R"sh(#compdef penstock
# penstock completion for zsh: penstock completion zsh > "${fpath[1]}/_penstock"
autoload -U +X bashcompinit && bashcompinit
source <(penstock completion bash)
)sh";

constexpr const char* kFish =
    R"sh(# penstock completion for fish: penstock completion fish | source
complete -c penstock -f -n __fish_use_subcommand -a "run serve validate get logs describe diff cancel debug artifact model apply predict version completion"
complete -c penstock -f -n "__fish_seen_subcommand_from get" -a "pipelines runs components models all"
complete -c penstock -f -n "__fish_seen_subcommand_from artifact" -a "put get ls predictions"
complete -c penstock -f -n "__fish_seen_subcommand_from model" -a "list show diff alias push digest"
complete -c penstock -f -n "__fish_seen_subcommand_from completion" -a "bash zsh fish"
complete -c penstock -f -n "__fish_seen_subcommand_from logs describe diff cancel debug" -a "(penstock get runs -o name 2>/dev/null | sed 's|.*/||')"
complete -c penstock -F -n "__fish_seen_subcommand_from run validate apply serve predict"
)sh";

}  // namespace

int Version(const std::string& output, Session& session) {
  const std::string server = ServerVersion(session);
  if (output == "json") {
    Json version = {{"client", PenstockVersion()}};
    if (!server.empty()) version["server"] = server;
    session.out << version.dump() << "\n";
    return kOk;
  }
  session.out << "client " << PenstockVersion() << "\n";
  if (!server.empty()) session.out << "server " << server << "\n";
  return kOk;
}

int Completion(const std::string& shell, Session& session) {
  if (shell == "bash") {
    session.out << kBash;
  } else if (shell == "zsh") {
    session.out << kZsh;
  } else if (shell == "fish") {
    session.out << kFish;
  } else {
    return session.Fail(kUsage, "shell \"" + shell + "\" is not known; choose bash, zsh or fish");
  }
  return kOk;
}

}  // namespace penstock::cli
