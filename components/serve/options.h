// The command line of penstock-serve.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock::serve {

struct ServeOptions {
  std::string model_folder;
  std::string name;     // empty: the one in model.yaml
  std::string version;  // empty: unversioned
  std::string digest;   // of the model artifact, for the logs
  std::string address = "0.0.0.0";
  std::uint16_t port = 8080;
  std::uint16_t metrics_port = 0;  // 0: on the same port
  int threads = 0;                 // 0: from the CPU quota
  int instances = 0;               // 0: as many as threads
  int io_threads = 0;              // 0: as many as threads
  int busy_poll_us = -1;           // -1: see BusyPollMoment
  std::size_t queue = 512;
  std::int64_t max_batch = 32;
  std::chrono::milliseconds max_delay{0};
  std::uint64_t max_body = 0;  // 0: see LimitBodies
  std::size_t max_connections = 1024;
  int grpc_port = -1;         // none; 0: any free one
  std::string otlp_endpoint;  // empty: no traces
  double trace_ratio = 0.01;
  std::int64_t max_rows = 100'000;
  std::chrono::milliseconds drain_delay{5000};
  std::chrono::milliseconds drain_timeout{30000};
  bool exit_on_load_failure = false;
  std::string termination_log;  // a file; why the model does not load is all that is written there
  std::chrono::milliseconds drift_window{600'000};  // 0: drift is not watched
  std::string prediction_log;                       // a folder; empty: nothing is logged
  std::vector<std::string> prediction_log_columns;
  double prediction_log_sample = 1;
  std::chrono::milliseconds prediction_log_roll{60'000};
  std::uint64_t prediction_log_max_bytes = 1ULL << 30;
  std::string prediction_log_store;  // {"url", "ca", "tokenFile"} or {"folder"}; empty: files stay
  std::string prediction_log_namespace;
};

// Nothing, and *exit_code, when the program is to end now (--help, or a flag that is wrong; the
// text has been printed).
[[nodiscard]] std::optional<ServeOptions> ParseOptions(int argc, char** argv, int* exit_code);

}  // namespace penstock::serve
