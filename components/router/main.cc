// penstock-router: the data plane, fed by a source of route tables.
#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "components/router/admin/admin_server.h"
#include "components/router/file_source.h"
#include "components/router/options.h"
#include "components/router/proxy/router.h"
#include "components/router/watch/connect.h"
#ifdef PENSTOCK_ROUTER_GRPC
#include "components/router/grpc/grpc_front.h"
#endif
#include "operator/base/try.h"
#include "operator/net/address_policy.h"
#include "operator/net/resolver.h"
#include "operator/os/cgroup.h"

namespace penstock::router {

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr std::chrono::seconds kResolve{5};

void Say(const std::string& text) { std::cerr << "penstock-router: " << text << std::endl; }

// False when the time is over without one.
bool WaitForSignal(const sigset_t& signals, std::chrono::milliseconds most) {
  timespec time{};
  time.tv_sec = most.count() / 1000;
  time.tv_nsec = most.count() % 1000 * 1'000'000;
  return sigtimedwait(&signals, nullptr, &time) > 0;
}

Result<std::unique_ptr<TableSource>> MakeSource(const RouterCommand& command) {
  if (command.config.empty())
    return ConnectToCluster({command.kubeconfig, command.ns, command.state, command.edge, Say});
  return std::unique_ptr<TableSource>(std::make_unique<FileSource>(command.config, kLookEvery));
}

// Null where this router was built without gRPC.
std::shared_ptr<Front> MakeFront([[maybe_unused]] const RouterOptions& options) {
#ifdef PENSTOCK_ROUTER_GRPC
  return MakeGrpcFront(
      {options.address, options.limits, static_cast<std::size_t>(options.threads)});
#else
  return nullptr;
#endif
}

// Which addresses are asked for the keys of issuers that users name: as the operator holds it, and
// never the API server.
Result<net::AddressCheck> MakePolicy(const RouterCommand& command) {
  net::AddressPolicy::Rules rules;
  PENSTOCK_ASSIGN(rules.deny, net::ParseRanges(command.source_deny));
  PENSTOCK_ASSIGN(rules.allow, net::ParseRanges(command.source_allow));
  if (command.config.empty()) {
    PENSTOCK_ASSIGN(const std::string host, ApiServerHost(command.kubeconfig));
    rules.own = [host] {
      return net::ResolveHost(host, std::chrono::steady_clock::now() + kResolve, {});
    };
  }
  const auto policy = std::make_shared<const net::AddressPolicy>(std::move(rules));
  return net::AddressCheck([policy](const std::string& host, const std::string& address) {
    return policy->Check(host, address);
  });
}

int Route(const RouterCommand& command) {
  // Blocked here and so in every thread made later; the main thread waits for them.
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const SystemClock clock;
  RouterOptions options;
  options.address = command.address;
  options.threads = command.threads > 0 ? command.threads : UsableCpus();
  options.limits = command.limits;
  options.seed = std::hash<std::string>()(command.name);
  options.front = MakeFront(options);
  auto policy = MakePolicy(command);
  if (!policy) {
    Say(policy.error().message);
    return 1;
  }
  options.keys.may_connect = *std::move(policy);
  auto router = Router::Start(options);
  if (!router) {
    Say(router.error().message);
    return 1;
  }
  const auto made = MakeSource(command);
  if (!made) {
    Say(made.error().message);
    return 1;
  }
  TableSource* const source = made->get();
  auto admin = AdminServer::Start(command.address, command.admin_port, {command.name, clock.Now()},
                                  router->get(), &clock, [&] { return source->Trouble(); });
  if (!admin) {
    Say(admin.error().message);
    return 1;
  }
  auto started = source->Start(
      [&](std::shared_ptr<const RouteTable> table) { (*router)->Publish(std::move(table)); });
  if (!started) {
    Say(started.error().message);
    return 1;
  }
  Say("admin port " + std::to_string((*admin)->port()) + ", threads " +
      std::to_string(options.threads) + (options.front ? ", with gRPC" : ", without gRPC"));
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  Say("shutting down: unready, accepting for " + std::to_string(command.drain_delay.count()) +
      " ms more");
  (*admin)->Unready();
  (*router)->CloseAfterAnswers();
  (void)WaitForSignal(signals, command.drain_delay);  // a second signal cuts it short
  if ((*router)->Finish(command.drain_timeout)) return 0;
  Say("requests were still open after the drain time-out");
  return 1;
}

}  // namespace

}  // namespace penstock::router

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto command = penstock::router::ParseCommand(argc, argv, &exit_code);
  return command ? penstock::router::Route(*command) : exit_code;
}
