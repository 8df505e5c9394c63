#include "components/router/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>

#include "operator/base/time.h"

namespace penstock::router {

namespace {

// A Gateway API duration ("500ms", "1m30s").
void AddDuration(CLI::App& app, const std::string& flag, std::chrono::milliseconds* value,
                 const std::string& help) {
  app.add_option_function<std::string>(
         flag,
         [value, flag](const std::string& text) {
           auto parsed = ParseDuration(text);
           if (!parsed) throw CLI::ValidationError(flag, parsed.error().message);
           *value = *parsed;
         },
         help)
      ->default_str(FormatDuration(*value));
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "router";
}

void AddLimits(CLI::App& app, Limits* limits) {
  app.add_option("--max-connections", limits->connections, "open connections; more get 503")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--max-requests", limits->requests,
                 "requests under way, at most 64 KiB of memory each; more get 503")
      ->check(CLI::Range(1, 1'000'000));
  AddDuration(app, "--head-timeout", &limits->head_time, "for a request's head");
  AddDuration(app, "--idle-timeout", &limits->idle_time, "of a client between two requests");
  AddDuration(app, "--body-timeout", &limits->body_idle, "between two pieces of a request's body");
  AddDuration(app, "--stream-timeout", &limits->answer_idle, "between two pieces of an answer");
  AddDuration(app, "--connect-timeout", &limits->connect_time, "to reach a server");
  app.add_option("--max-grpc-calls", limits->grpc_calls,
                 "calls of gRPC under way; more get UNAVAILABLE")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--max-grpc-message", limits->grpc_message_bytes,
                 "bytes of a gRPC message, inflated; more get RESOURCE_EXHAUSTED")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{512} << 20));
  app.add_option("--max-grpc-bytes", limits->grpc_bytes,
                 "bytes of all gRPC messages on their way; more get UNAVAILABLE")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{64} << 30));
  AddDuration(app, "--grpc-connection-age", &limits->grpc_age,
              "when clients of gRPC are asked to connect again");
}

}  // namespace

std::optional<RouterCommand> ParseCommand(int argc, char** argv, int* exit_code) {
  RouterCommand command;
  command.name = HostName();
  CLI::App app(
      "Routes requests to the versions of ModelDeployments, by weight, and counts what becomes of "
      "them.",
      "penstock-router");
  app.option_defaults()->always_capture_default();
  auto* config = app.add_option("--config", command.config,
                                "a route table as JSON, read again when the file changes; without "
                                "it the API server is watched");
  app.add_option("--namespace", command.ns,
                 "whose ModelDeployments are routed; the router's own when absent")
      ->excludes(config);
  app.add_option("--kubeconfig", command.kubeconfig,
                 "kubeconfig file; the pod's account when absent")
      ->excludes(config);
  app.add_option("--state", command.state,
                 "folder of the last table, by which a router begins while the API server is away")
      ->excludes(config);
  app.add_option("--edge", command.edge,
                 "folder in which the Secrets and ConfigMaps are mounted that expose.tls and "
                 "expose.jwt of ModelDeployments name: secrets/NAME/tls.crt, configmaps/NAME/KEY")
      ->excludes(config);
  app.add_option("--address", command.address, "IP address to listen on");
  app.add_option("--admin-port", command.admin_port,
                 "port of /healthz, /readyz, /metrics and /observations");
  app.add_option("--name", command.name, "this router's name in observations");
  app.add_option("--threads", command.threads, "threads for connections; 0: the CPU quota")
      ->check(CLI::Range(0, 1024));
  app.add_option("--source-deny", command.source_deny,
                 "ranges of addresses (10.0.0.0/8) that are not asked for issuers' keys")
      ->delimiter(',');
  app.add_option("--source-allow", command.source_allow,
                 "ranges that --source-deny does not keep it from")
      ->delimiter(',');
  AddLimits(app, &command.limits);
  AddDuration(app, "--drain-delay", &command.drain_delay,
              "how long to go on accepting after SIGTERM");
  AddDuration(app, "--drain-timeout", &command.drain_timeout,
              "how long to wait for open requests after that");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    *exit_code = app.exit(e) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return command;
}

}  // namespace penstock::router
