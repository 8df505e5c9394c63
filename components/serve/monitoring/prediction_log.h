// The prediction log: a sample of what was asked and answered, as Parquet files in a folder, from
// which they may be sent on.
//
//   request_id string, row int64 (within the request), time timestamp[us, UTC], model string,
//   version string, then the listed columns: inputs as they came (before the transform), outputs
//
// Nothing is logged that is not listed. A request never waits for the log: it is put into a bounded
// queue, and dropped and counted when that is full, when a file cannot be written, or when the
// folder has reached its limit. A thread of its own writes: NAME.tmp, renamed when it is whole, so
// that a reader sees complete files only; with `send` it then hands on every file in the folder,
// oldest first, and removes those that arrived: what did not is tried again with the next file.
// With `send` there is beside each file one that says which requests it is of (NAME.requests, in
// operator/artifacts/prediction_store.h).
// Thread-safe; the destructor writes, and sends, what is left.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "components/serve/engine/model_names.h"
#include "operator/base/result.h"
#include "operator/base/time.h"

namespace penstock::serve {

// Values of one listed column, rows in order.
struct LogColumn {
  std::variant<std::vector<std::string>, std::vector<double>, std::vector<std::int64_t>,
               std::vector<std::uint8_t>>
      values;
  std::vector<std::uint8_t> nulls;  // empty, or one a row
};

struct LogRecord {
  std::string id;
  TimePoint time;
  std::int64_t rows = 0;
  std::vector<LogColumn> columns;  // as listed
};

class PredictionLog {
 public:
  struct Options {
    std::string folder;
    std::vector<std::string> columns;  // names of inputs and outputs; one value a row each
    double sample = 1;                 // share of the requests
    std::chrono::milliseconds roll{60'000};
    std::int64_t queue_rows = 20'000;
    std::uint64_t queue_bytes = 32ULL << 20;
    std::uint64_t folder_bytes = 1ULL << 30;
    std::string model;
    std::string version;
    std::string digest;  // of the model's artifact; empty: unknown
    // Takes a finished file; not called again before it returns. None: files stay in the folder.
    std::function<Result<void>(const std::string& path)> send;
  };

  // Invalid for a column that the model lacks or that has several values a row.
  [[nodiscard]] static Result<std::unique_ptr<PredictionLog>> Start(Options options,
                                                                    const Signature& signature,
                                                                    const Clock* clock);
  ~PredictionLog();

  // The listed inputs of a request that is in the sample, else null.
  [[nodiscard]] std::shared_ptr<LogRecord> Take(const std::vector<InputTensor>& inputs,
                                                std::int64_t rows);
  void Add(const std::shared_ptr<LogRecord>& record, const std::string& id,
           const std::vector<Tensor>& outputs);
  // Returns when everything added before is in a file or dropped.
  void Flush();

  [[nodiscard]] std::string MetricsText() const;

 private:
  struct Listed {
    std::string name;
    bool output = false;
    std::size_t index = 0;  // in the signature
    Datatype datatype = Datatype::kFp64;
  };
  PredictionLog(Options options, std::vector<Listed> listed, const Clock* clock);
  void Write();
  void WriteFile(const std::vector<std::shared_ptr<LogRecord>>& records, std::uint64_t rows);
  void WriteRequests(const std::string& path,
                     const std::vector<std::shared_ptr<LogRecord>>& records) const;
  void SendFiles();
  enum class Sent { kArrived, kRefused, kNot };
  Sent SendFile(const std::string& path);
  [[nodiscard]] bool InSample();

  const Options options_;
  const std::vector<Listed> listed_;
  const Clock* const clock_;
  const std::string prefix_;
  std::uint64_t next_file_ = 0;  // of the writer's thread

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::vector<std::shared_ptr<LogRecord>> pending_;  // guarded by mutex_, as all below
  std::int64_t pending_rows_ = 0;
  std::uint64_t pending_bytes_ = 0;
  bool stop_ = false;
  bool flush_ = false;
  bool writing_ = false;

  std::atomic<std::uint64_t> sampler_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_full_{0};
  std::atomic<std::uint64_t> dropped_failed_{0};
  std::atomic<std::uint64_t> dropped_folder_{0};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> send_failures_{0};
  std::thread writer_;  // last: it uses all of the above
};

// A column of the file: what stands in `LogColumn::values`.
struct LogField {
  std::string name;
  Datatype datatype = Datatype::kFp64;
};
// Writes one file (prediction_file.cc, the only Arrow here).
[[nodiscard]] Result<void> WritePredictionFile(
    const std::string& path, const std::string& model, const std::string& version,
    const std::vector<LogField>& fields, const std::vector<std::shared_ptr<LogRecord>>& records);

}  // namespace penstock::serve
