#include "operator/metadata/batch_recorder.h"

#include <soci.h>

#include <algorithm>
#include <utility>

#include "operator/metadata/write_run.h"

namespace penstock::metadata {
namespace {

constexpr std::size_t kMostRemembered = 10'000;  // runs

// Of all that is written of a step.
std::size_t HashOf(const StepRecord& s) {
  Json all{s.component, s.phase, s.reason, s.attempt, s.cached, s.cache_key, s.pod, s.results};
  for (const auto& time : {s.started, s.finished})
    all.push_back(time ? Json(time->time_since_epoch().count()) : Json());
  for (const auto* uses : {&s.inputs, &s.outputs})
    for (const ArtifactUse& a : *uses)
      all.push_back({a.name, a.type, a.digest, a.uri, a.folder, a.bytes, a.fingerprint});
  return std::hash<std::string>()(all.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

std::unique_ptr<BatchRecorder> BatchRecorder::Open(BatchRecorderOptions options,
                                                   const Clock& clock) {
  auto database = options.database->OpenToWrite(clock.Now());
  if (!database) {
    options.warn(database.error().message + "; runs go on, and history waits for it");
  } else if (!database->warning.empty()) {
    options.warn(database->warning);
  }
  return std::unique_ptr<BatchRecorder>(new BatchRecorder(
      std::move(options), clock, database ? std::move(database->session) : nullptr));
}

BatchRecorder::BatchRecorder(BatchRecorderOptions options, const Clock& clock, Session session)
    : options_(std::move(options)),
      clock_(clock),
      session_(std::move(session)),
      open_(session_ != nullptr) {
  writer_ = std::jthread([this](const std::stop_token& stop) { Write(stop); });
}

BatchRecorder::~BatchRecorder() {
  writer_.request_stop();
  writer_.join();
}

void BatchRecorder::RecordRun(RunRecord record) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = queued_.find(record.uid);
    if (found != queued_.end()) {
      found->second = std::move(record);
      return;
    }
    if (!MakeRoom(record)) return;
    order_.push_back(record.uid);
    queued_.emplace(order_.back(), std::move(record));
  }
  changed_.notify_all();
}

// A finished run says its last word only once, so it may push out one that will say more.
bool BatchRecorder::MakeRoom(const RunRecord& record) {
  if (queued_.size() < options_.queue_limit) return true;
  ++dropped_;
  if (record.outcome.empty()) return false;
  const auto unfinished = std::find_if(order_.begin(), order_.end(), [&](const auto& uid) {
    return queued_.at(uid).outcome.empty();
  });
  if (unfinished == order_.end()) return false;
  queued_.erase(*unfinished);
  order_.erase(unfinished);
  return true;
}

void BatchRecorder::Flush() {
  std::unique_lock lock(mutex_);
  const auto target = taken_ + (queued_.size() + options_.batch - 1) / options_.batch;
  changed_.wait(lock, [&] { return done_ >= target && done_ == taken_; });
}

std::uint64_t BatchRecorder::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

std::vector<RunRecord> BatchRecorder::TakeBatch() {
  std::vector<RunRecord> batch;
  while (!order_.empty() && batch.size() < options_.batch) {
    auto node = queued_.extract(order_.front());
    order_.pop_front();
    batch.push_back(std::move(node.mapped()));
  }
  ++taken_;
  return batch;
}

void BatchRecorder::GiveBack(std::vector<RunRecord> batch) {
  for (auto it = batch.rbegin(); it != batch.rend(); ++it) {
    if (queued_.contains(it->uid)) continue;  // a newer record came meanwhile
    order_.push_front(it->uid);
    queued_.emplace(order_.front(), std::move(*it));
  }
}

void BatchRecorder::Write(const std::stop_token& stop) {
  Milliseconds wait = options_.first_wait;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, stop, [&] { return !order_.empty(); });
    if (order_.empty()) return;  // stopped, and all is written
    auto batch = TakeBatch();
    lock.unlock();
    const bool written = WriteBatch(batch);
    lock.lock();
    if (!written) GiveBack(std::move(batch));
    ++done_;
    changed_.notify_all();
    if (written) {
      wait = options_.first_wait;
      continue;
    }
    if (stop.stop_requested()) return;
    changed_.wait_for(lock, stop, wait, [] { return false; });
    wait = std::min(wait * 2, Milliseconds{30'000});
  }
}

bool BatchRecorder::WriteBatch(const std::vector<RunRecord>& batch) {
  if (session_ == nullptr) Reopen("it was not open");
  if (session_ == nullptr) return false;
  const auto failure = WriteTogether(batch);
  if (!failure) return true;
  if (failure->trouble == Trouble::kRefused) return WriteOneByOne(batch);
  Tell(*failure, batch.size());
  return false;
}

// One record that the database cannot hold must not keep the others out for ever.
bool BatchRecorder::WriteOneByOne(const std::vector<RunRecord>& batch) {
  for (const RunRecord& record : batch) {
    const auto failure = WriteTogether({&record, 1});
    if (!failure) continue;
    if (failure->trouble != Trouble::kRefused) {
      Tell(*failure, batch.size());
      return false;
    }
    options_.warn("the run " + record.namespace_ + "/" + record.name + " is left out of " +
                  options_.database->name() + ", which refuses it: " + failure->why);
  }
  return true;
}

std::optional<BatchRecorder::Failure> BatchRecorder::WriteTogether(
    std::span<const RunRecord> records) {
  Failure failure;
  bool begun = false;
  try {
    soci::transaction transaction(*session_);
    begun = true;
    try {
      options_.database->BeginWriting(*session_);
      for (const RunRecord& record : records) WriteRun(*session_, WhatIsNew(record));
      transaction.commit();
      for (const RunRecord& record : records) Remember(record);
    } catch (const std::exception& e) {
      // Before the transaction rolls back.
      failure.trouble = options_.database->TroubleAfter(*session_, e);
      throw;
    }
    return std::nullopt;
  } catch (const std::exception& e) {
    // A session that stood idle while its server died cannot even begin.
    if (!begun) failure.trouble = options_.database->TroubleAfter(*session_, e);
    failure.why = e.what();
    return failure;
  }
}

RunRecord BatchRecorder::WhatIsNew(const RunRecord& record) const {
  RunRecord slim = record;
  const auto written = written_.find(record.uid);
  if (written == written_.end()) return slim;
  std::erase_if(slim.steps, [&](const StepRecord& step) {
    const auto before = written->second.find(step.name);
    return before != written->second.end() && before->second == HashOf(step);
  });
  return slim;
}

void BatchRecorder::Remember(const RunRecord& record) {
  if (!record.outcome.empty()) {  // it has said its last word
    written_.erase(record.uid);
    return;
  }
  if (written_.size() >= kMostRemembered) written_.clear();
  auto& steps = written_[record.uid];
  for (const StepRecord& step : record.steps) steps[step.name] = HashOf(step);
}

void BatchRecorder::Tell(const Failure& failure, std::size_t runs) {
  options_.warn("writing " + std::to_string(runs) + " runs to " + options_.database->name() + ": " +
                failure.why + "; they are kept and tried again");
  if (failure.trouble == Trouble::kLost) Reopen(failure.why);
}

void BatchRecorder::Reopen(const std::string& why) {
  open_ = false;
  written_.clear();
  session_.reset();
  auto database = options_.database->OpenToWrite(clock_.Now());
  if (!database) {
    options_.warn(database.error().message);
    return;
  }
  options_.warn(database->warning.empty()
                    ? options_.database->name() + " was opened again (" + why + ")"
                    : database->warning);
  session_ = std::move(database->session);
  open_ = true;
  // Also where it holds what it held: a server that took over may lack the last that was written.
  options_.on_lost();
}

}  // namespace penstock::metadata
