#include "components/serve/options.h"

#include <CLI/CLI.hpp>

#include "operator/base/time.h"

namespace penstock::serve {
namespace {

// A Gateway API duration ("500ms", "1m30s").
CLI::Option* AddDuration(CLI::App& app, const std::string& flag, std::chrono::milliseconds* value,
                         const std::string& help) {
  return app
      .add_option_function<std::string>(
          flag,
          [value, flag](const std::string& text) {
            auto parsed = ParseDuration(text);
            if (!parsed) throw CLI::ValidationError(flag, parsed.error().message);
            *value = *parsed;
          },
          help)
      ->default_str(FormatDuration(*value));
}

// "0.05" or "5%".
double ParseShare(const std::string& text) {
  const bool percent = !text.empty() && text.back() == '%';
  const std::string number = percent ? text.substr(0, text.size() - 1) : text;
  double value = -1;
  if (!CLI::detail::lexical_cast(number, value) || value < 0 || value > (percent ? 100 : 1))
    throw CLI::ValidationError("--prediction-log-sample",
                               "'" + text + "' is no share: 0 to 1, or 0% to 100%");
  return percent ? value / 100 : value;
}

void AddObservation(CLI::App& app, ServeOptions* o) {
  AddDuration(app, "--drift-window", &o->drift_window,
              "how much traffic is compared with the training data; 0s: none");
  auto* log = app.add_option("--prediction-log", o->prediction_log,
                             "folder for Parquet files of what was asked and answered");
  app.add_option("--prediction-log-columns", o->prediction_log_columns,
                 "inputs and outputs that are logged, and no others")
      ->delimiter(',')
      ->needs(log);
  app.add_option_function<std::string>(
         "--prediction-log-sample",
         [o](const std::string& text) { o->prediction_log_sample = ParseShare(text); },
         "share of the requests: 0.05 or 5%")
      ->default_str("1");
  AddDuration(app, "--prediction-log-roll", &o->prediction_log_roll,
              "how long rows may wait for their file");
  app.add_option("--prediction-log-max-bytes", o->prediction_log_max_bytes,
                 "bytes in the folder; beyond, rows are dropped and counted");
  auto* store = app.add_option("--prediction-log-store", o->prediction_log_store,
                               "artifact store that files are moved to, as JSON: {\"url\": ..., "
                               "\"ca\": ..., \"tokenFile\": ...} or {\"folder\": ...}, or a file "
                               "that says so, which is read again each time");
  auto* ns = app.add_option("--prediction-log-namespace", o->prediction_log_namespace,
                            "namespace of the store that they belong to");
  store->needs(log)->needs(ns);
}

}  // namespace

std::optional<ServeOptions> ParseOptions(int argc, char** argv, int* exit_code) {
  ServeOptions o;
  CLI::App app("Serves a model folder over the Open Inference Protocol V2.", "penstock-serve");
  app.option_defaults()->always_capture_default();
  app.add_option("--model", o.model_folder, "the model's folder (model.yaml, model.ts, ...)")
      ->required();
  app.add_option("--name", o.name, "the model's name in URLs; default: as in model.yaml");
  app.add_option("--version", o.version, "the model's version in URLs and answers");
  app.add_option("--model-digest", o.digest, "the model artifact's digest, for the logs");
  app.add_option("--address", o.address, "IP address to listen on");
  app.add_option("--port", o.port, "port; 0: any free one, see the first line of output");
  app.add_option("--metrics-port", o.metrics_port,
                 "a port of its own for /metrics and health; 0: none");
  app.add_option("--grpc-port", o.grpc_port,
                 "port of the protocol over gRPC; 0: any free one; -1: none")
      ->check(CLI::Range(-1, 65535));
  app.add_option("--otlp-endpoint", o.otlp_endpoint,
                 "collector of traces, http[s]://host:port; none: no traces")
      ->envname("OTEL_EXPORTER_OTLP_ENDPOINT");
  app.add_option("--trace-ratio", o.trace_ratio,
                 "share of requests without a traceparent that are traced")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--threads", o.threads, "CPUs to use; 0: the CPU quota")
      ->check(CLI::Range(0, 1024));
  app.add_option("--instances", o.instances, "batches computed at once; 0: as many as threads")
      ->check(CLI::Range(0, 1024));
  app.add_option("--io-threads", o.io_threads, "threads for connections; 0: as many as threads")
      ->check(CLI::Range(0, 1024));
  app.add_option("--busy-poll", o.busy_poll_us,
                 "microseconds that a connection's thread looks for the next request before it "
                 "sleeps; 0: none; -1: 50, or none under a CPU quota")
      ->check(CLI::Range(-1, 10'000));
  app.add_option("--queue", o.queue, "requests that may wait; more get 429")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--max-batch", o.max_batch, "rows computed together; 1: no batching")
      ->check(CLI::Range(1, 65536));
  AddDuration(app, "--max-delay", &o.max_delay,
              "how long a request may wait for others; 0s: takes what waits already");
  app.add_option(
         "--max-body", o.max_body,
         "bytes of a request's body; more get 413; 0: 64 MiB, less under a memory limit (the "
         "log's first line says how many)")
      ->check(CLI::Range(0LL, 4LL << 30));
  app.add_option("--max-rows", o.max_rows, "rows of one request; more get 400")
      ->check(CLI::Range(1, 100'000'000));
  app.add_option("--max-connections", o.max_connections, "open connections; more get 503")
      ->check(CLI::Range(1, 1'000'000));
  AddDuration(app, "--drain-delay", &o.drain_delay, "how long to go on accepting after SIGTERM");
  AddDuration(app, "--drain-timeout", &o.drain_timeout,
              "how long to wait for open requests after that");
  app.add_flag("--exit-on-load-failure", o.exit_on_load_failure,
               "end with code 3 when the model does not load");
  app.add_option("--termination-log", o.termination_log,
                 "the file for why the model does not load, which kubelet reads in place of the "
                 "log (a container's terminationMessagePath)");
  AddObservation(app, &o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    *exit_code = app.exit(e) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return o;
}

}  // namespace penstock::serve
