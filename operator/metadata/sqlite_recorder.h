// The recorder on SQLite: callers put records into a bounded queue, one thread writes them in
// batches, a transaction a batch.
//
//   RecordRun --> queue: newest record a run --> writer thread --> one transaction --> file
//                                                  |  failed: the batch goes back, wait 1 s .. 30 s
//                                                  +- damaged: set aside, new file, `on_lost`
//
// Thread-safe. The destructor writes what is queued, once, and ends the thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "operator/base/time.h"
#include "operator/metadata/database.h"
#include "operator/metadata/recorder.h"

namespace penstock::metadata {

struct SqliteRecorderOptions {
  std::filesystem::path path;
  std::size_t queue_limit = 10'000;  // runs; beyond it an unfinished run's record is dropped
  std::size_t batch = 128;           // runs in one transaction
  Milliseconds first_wait{1'000};    // after a failed batch; doubles up to 30 s
  std::function<void(const std::string&)> warn = [](const std::string&) {};
  // The file was lost while open: record every live run again. Called on the writer thread.
  std::function<void()> on_lost = [] {};
};

class SqliteRecorder : public Recorder {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SqliteRecorder>> Open(SqliteRecorderOptions options,
                                                                    const Clock& clock);
  ~SqliteRecorder() override;

  void RecordRun(RunRecord record) override;

  // Waits until everything queued before the call is written or was given back once.
  void Flush();
  // Records thrown away because the queue was full.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  SqliteRecorder(SqliteRecorderOptions options, const Clock& clock, OpenedDatabase database);
  void Write(const std::stop_token& stop);
  [[nodiscard]] std::vector<RunRecord> TakeBatch();
  void GiveBack(std::vector<RunRecord> batch);
  [[nodiscard]] bool WriteBatch(const std::vector<RunRecord>& batch);
  void Reopen(const std::string& why);
  [[nodiscard]] bool MakeRoom(const RunRecord& record);

  const SqliteRecorderOptions options_;
  const Clock& clock_;
  std::unique_ptr<soci::session> session_;  // of the writer thread

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> order_;                      // run UIDs, oldest first
  std::unordered_map<std::string, RunRecord> queued_;  // the newest record of each
  std::uint64_t taken_ = 0, done_ = 0;                 // batches
  std::uint64_t dropped_ = 0;
  std::jthread writer_;
};

}  // namespace penstock::metadata
