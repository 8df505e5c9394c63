#include "operator/cli/gateway/tunnel.h"

#include <unistd.h>

#include <charconv>
#include <chrono>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr int kGatewayPort = 8443;

std::string ByHand() {
  return "; or give --gateway URL and --ca-file FILE where the gateway is reachable";
}

struct Service {
  std::string ns, name;
};

Result<Service> FindGateway(const Cluster& cluster, const Session& session) {
  kube::ListOptions options;
  options.label_selector = "app.kubernetes.io/name=penstock";
  const Result<kube::ListPage> page =
      cluster.client->List(kube::kServices, "", options, {.stop = session.interrupted});
  if (!page) return Wrap("looking for the gateway's Service", page.error());
  for (const Json& item : page->items) {
    const std::string name = item["metadata"].value("name", "");
    if (name.ends_with("gateway")) return Service{item["metadata"].value("namespace", ""), name};
  }
  return NotFound(
      "no gateway Service with the label app.kubernetes.io/name=penstock is in the "
      "cluster: is Penstock installed?" +
      ByHand());
}

std::vector<std::string> ForwardCommand(const Service& service, const Session& session) {
  std::vector<std::string> argv = {
      "kubectl", "port-forward", "--address",           "127.0.0.1",
      "-n",      service.ns,     "svc/" + service.name, ":" + std::to_string(kGatewayPort)};
  if (!session.flags.kubeconfig.empty()) {
    argv.insert(argv.begin() + 1, {"--kubeconfig", session.flags.kubeconfig});
  }
  if (!session.flags.context.empty()) {
    argv.insert(argv.begin() + 1, {"--context", session.flags.context});
  }
  return argv;
}

}  // namespace

int ForwardedPort(const std::string& log) {
  static constexpr std::string_view kStart = "Forwarding from 127.0.0.1:";
  const std::size_t start = log.find(kStart);
  if (start == std::string::npos || log.find('\n', start) == std::string::npos) return 0;
  int port = 0;
  std::from_chars(log.data() + start + kStart.size(), log.data() + log.size(), port);
  return port;
}

Result<std::unique_ptr<Tunnel>> Tunnel::Open(const Cluster& cluster, const Session& session) {
  const Result<Service> service = FindGateway(cluster, session);
  if (!service) return service.error();
  if (!FindProgram("kubectl", session.Env("PATH"))) {
    return NotFound("the gateway is reached by kubectl port-forward, and kubectl is not in PATH" +
                    ByHand());
  }
  ChildOptions options;
  options.argv = ForwardCommand(*service, session);
  for (const auto& [name, value] : session.env) options.environment.push_back(name + "=" + value);
  options.directory = session.directory;
  std::string log = (fs::temp_directory_path() / "penstock-tunnel-XXXXXX").string();
  const int fd = mkstemp(log.data());
  if (fd < 0) return FromErrno("temporary file " + log, errno);
  close(fd);
  options.log = log;
  Result<ChildProcess> child = ChildProcess::Start(options);
  if (!child) return child.error();
  std::unique_ptr<Tunnel> tunnel(new Tunnel(*std::move(child), log));
  if (Result<void> ready = tunnel->AwaitPort(session.interrupted); !ready) return ready.error();
  return tunnel;
}

Result<void> Tunnel::AwaitPort(std::stop_token stop) {
  for (int i = 0; i < 300 && !stop.stop_requested(); ++i) {
    const std::optional<ChildExit> exit = child_.Wait(milliseconds(100));
    const Result<std::string> log = ReadFile(log_);
    if (exit) {
      return Transient("kubectl port-forward ended: " + (log ? *log : log.error().message) +
                       ByHand());
    }
    if (const int port = log ? ForwardedPort(*log) : 0; port > 0) {
      url_ = "https://127.0.0.1:" + std::to_string(port);
      return {};
    }
  }
  return Transient("kubectl port-forward did not open a port" + ByHand());
}

Tunnel::~Tunnel() {
  std::error_code ignored;
  fs::remove(log_, ignored);
}

}  // namespace penstock::cli
