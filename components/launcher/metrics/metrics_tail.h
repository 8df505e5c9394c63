// Reads what the step's program writes into $PENSTOCK_METRICS while it runs, and hands the newest
// state to the store every two seconds, so that its curves and its progress are seen live. Nothing
// of it can fail the step: what does not come through is tried again with the next state.
//
// Owns a thread; Start and Finish are called by one.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "operator/base/result.h"
#include "operator/os/fd.h"
#include "operator/protocol/step_metrics.h"

namespace penstock::launcher {

class MetricsTail {
 public:
  // Called on the tail's thread.
  using Put = std::function<Result<void>(const std::string& text)>;

  // `say` hears once of what keeps the metrics from the store.
  MetricsTail(std::filesystem::path file, Put put, std::function<void(const std::string&)> say,
              std::chrono::milliseconds every)
      : file_(std::move(file)), put_(std::move(put)), say_(std::move(say)), every_(every) {}
  ~MetricsTail() { Finish(); }

  void Start();
  // Reads what is left once the program has ended, and puts it once more where it is new.
  void Finish();

 private:
  void Run();
  void ReadNew();
  void Tell();

  const std::filesystem::path file_;
  const Put put_;
  const std::function<void(const std::string&)> say_;
  const std::chrono::milliseconds every_;
  Fd open_;
  std::string line_;       // the one that is not whole yet
  bool skipping_ = false;  // of a line that is too long
  bool dirty_ = false;
  bool said_ = false;
  StepMetrics metrics_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace penstock::launcher
