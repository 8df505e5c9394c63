// The recorder: callers put records into a bounded queue, one thread writes them in batches, a
// transaction a batch.
//
//   RecordRun --> queue: newest record a run --> writer thread --> one transaction --> database
//                                                  |  failed: the batch goes back, wait 1 s .. 30 s
//                                                  |  lost: another session, or a new file
//                                                  +- refused: one by one, and what is at fault out
//
// A batch whose end is not known, as the server died, is written again: that changes nothing twice.
// A database that cannot be opened, as on a full volume or while its server is away, keeps nobody
// from working: it is tried again with what there is to write.
//
// Thread-safe. The destructor writes what is queued, once, and ends the thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "operator/base/time.h"
#include "operator/metadata/database.h"
#include "operator/metadata/recorder.h"

namespace penstock::metadata {

struct BatchRecorderOptions {
  DatabasePtr database;
  std::size_t queue_limit = 10'000;  // runs; beyond it an unfinished run's record is dropped
  std::size_t batch = 128;           // runs in one transaction
  Milliseconds first_wait{1'000};    // after a failed batch; doubles up to 30 s
  std::function<void(const std::string&)> warn = [](const std::string&) {};
  // The database was opened again, and may lack what was written: record every live run again.
  // Called on the writer thread.
  std::function<void()> on_lost = [] {};
};

class BatchRecorder : public Recorder {
 public:
  // Tries to open the database; `warn` hears of what keeps it from that.
  [[nodiscard]] static std::unique_ptr<BatchRecorder> Open(BatchRecorderOptions options,
                                                           const Clock& clock);
  ~BatchRecorder() override;

  void RecordRun(RunRecord record) override;

  // Waits until everything queued before the call is written or was given back once.
  void Flush();
  // Records thrown away because the queue was full.
  [[nodiscard]] std::uint64_t dropped() const;
  // Whether the database is open; else history waits in the queue. Any thread.
  [[nodiscard]] bool is_open() const { return open_; }

 private:
  BatchRecorder(BatchRecorderOptions options, const Clock& clock, Session session);
  void Write(const std::stop_token& stop);
  [[nodiscard]] std::vector<RunRecord> TakeBatch();
  void GiveBack(std::vector<RunRecord> batch);
  [[nodiscard]] bool WriteBatch(const std::vector<RunRecord>& batch);
  [[nodiscard]] bool WriteOneByOne(const std::vector<RunRecord>& batch);
  // In one transaction; what is to be done where it failed, and why.
  struct Failure {
    Trouble trouble = Trouble::kPasses;
    std::string why;
  };
  [[nodiscard]] std::optional<Failure> WriteTogether(std::span<const RunRecord> records);
  [[nodiscard]] RunRecord WhatIsNew(const RunRecord& record) const;
  void Remember(const RunRecord& record);
  void Tell(const Failure& failure, std::size_t runs);
  void Reopen(const std::string& why);
  [[nodiscard]] bool MakeRoom(const RunRecord& record);

  const BatchRecorderOptions options_;
  const Clock& clock_;
  // What of steps was written of runs that go on, as a hash by UID and step, so that a run of many
  // steps costs what has changed of it. Of the writer thread; forgotten with the session.
  std::unordered_map<std::string, std::unordered_map<std::string, std::size_t>> written_;
  Session session_;  // of the writer thread
  std::atomic<bool> open_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> order_;                      // run UIDs, oldest first
  std::unordered_map<std::string, RunRecord> queued_;  // the newest record of each
  std::uint64_t taken_ = 0, done_ = 0;                 // batches
  std::uint64_t dropped_ = 0;
  std::jthread writer_;
};

}  // namespace penstock::metadata
