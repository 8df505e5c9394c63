#include "components/serve/monitoring/prediction_log.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <random>
#include <utility>

#include "components/serve/telemetry/exposition.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::serve {
namespace {

constexpr const char* kRequestsEnding = ".requests";

// Text, numbers or truths -> the column's own kind.
template <typename Values>
LogColumn Convert(const Values& values, Datatype datatype, std::vector<std::uint8_t> nulls) {
  using T = typename Values::value_type;
  LogColumn column;
  column.nulls = std::move(nulls);
  if constexpr (std::is_arithmetic_v<T>) {
    if (datatype == Datatype::kBool) {
      column.values.template emplace<std::vector<std::uint8_t>>(values.begin(), values.end());
    } else if (IsInteger(datatype)) {
      column.values.template emplace<std::vector<std::int64_t>>(values.begin(), values.end());
    } else if (IsFloat(datatype)) {
      column.values.template emplace<std::vector<double>>(values.begin(), values.end());
    } else {  // a timestamp that came as a number
      auto& texts = column.values.template emplace<std::vector<std::string>>();
      for (const T value : values) texts.push_back(std::to_string(value));
    }
  } else {
    column.values.template emplace<std::vector<std::string>>(values.begin(), values.end());
  }
  return column;
}

std::uint64_t BytesOf(const LogRecord& record) {
  std::uint64_t bytes = sizeof(LogRecord) + record.id.size();
  for (const LogColumn& column : record.columns) {
    bytes += sizeof(LogColumn) + column.nulls.size();
    std::visit(
        [&](const auto& values) {
          for (const auto& value : values) {
            bytes += sizeof(value);
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
              bytes += value.size();
            }
          }
        },
        column.values);
  }
  return bytes;
}

std::uint64_t BytesIn(const std::string& folder) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const auto size = entry.file_size(ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

std::string Prefix() {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  std::random_device device;
  char text[320];
  std::snprintf(text, sizeof(text), "%s-%08x", host[0] == '\0' ? "serve" : host, device());
  std::string name = text;
  for (char& c : name) {  // a name that the store takes
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.') c = '-';
  }
  return name;
}

bool OneValueARow(const Shape& shape) {
  return shape.size() == 1 || (shape.size() == 2 && shape[1] == 1);
}

}  // namespace

Result<std::unique_ptr<PredictionLog>> PredictionLog::Start(Options options,
                                                            const Signature& signature,
                                                            const Clock* clock) {
  std::vector<Listed> listed;
  for (const std::string& name : options.columns) {
    const Shape* shape = nullptr;
    for (std::size_t i = 0; i < signature.inputs.size(); ++i) {
      if (signature.inputs[i].name != name) continue;
      shape = &signature.inputs[i].shape;
      listed.push_back({name, false, i, signature.inputs[i].datatype});
    }
    for (std::size_t i = 0; shape == nullptr && i < signature.outputs.size(); ++i) {
      if (signature.outputs[i].name != name) continue;
      shape = &signature.outputs[i].shape;
      listed.push_back({name, true, i, signature.outputs[i].datatype});
    }
    if (shape == nullptr) {
      return Invalid("prediction log: the model has no input or output '" + name + "'");
    }
    if (!signature.batched || !OneValueARow(*shape)) {
      return Invalid("prediction log: '" + name + "' is " + FormatShape(*shape) +
                     ", and only columns of one value a row can be logged");
    }
  }
  if (listed.empty()) return Invalid("prediction log: no columns are listed");
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) return FromErrno(options.folder, error.value());
  return std::unique_ptr<PredictionLog>(
      new PredictionLog(std::move(options), std::move(listed), clock));
}

PredictionLog::PredictionLog(Options options, std::vector<Listed> listed, const Clock* clock)
    : options_(std::move(options)),
      listed_(std::move(listed)),
      clock_(clock),
      prefix_(Prefix()),
      sampler_(std::random_device{}()),
      writer_([this] { Write(); }) {}

PredictionLog::~PredictionLog() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  writer_.join();
}

// splitmix64 of a counter: cheap, and good enough to choose by.
bool PredictionLog::InSample() {
  if (options_.sample >= 1) return true;
  std::uint64_t z = sampler_.fetch_add(0x9E3779B97F4A7C15ULL, std::memory_order_relaxed);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return double((z ^ (z >> 31)) >> 11) * 0x1.0p-53 < options_.sample;
}

std::shared_ptr<LogRecord> PredictionLog::Take(const std::vector<InputTensor>& inputs,
                                               std::int64_t rows) {
  if (!InSample()) return nullptr;
  auto record = std::make_shared<LogRecord>();
  record->rows = rows;
  record->time = clock_->Now();
  for (const Listed& own : listed_) {
    LogColumn& column = record->columns.emplace_back();
    if (own.output) continue;
    const InputTensor& input = inputs[own.index];
    column = std::visit(
        [&](const auto& values) { return Convert(values, own.datatype, input.nulls); }, input.data);
  }
  return record;
}

void PredictionLog::Add(const std::shared_ptr<LogRecord>& record, const std::string& id,
                        const std::vector<Tensor>& outputs) {
  record->id = id;
  for (std::size_t i = 0; i < listed_.size(); ++i) {
    if (!listed_[i].output) continue;
    record->columns[i] =
        std::visit([&](const auto& values) { return Convert(values, listed_[i].datatype, {}); },
                   outputs[listed_[i].index].data);
  }
  const std::uint64_t bytes = BytesOf(*record);
  bool enough = false;
  {
    std::lock_guard lock(mutex_);
    if (pending_rows_ + record->rows > options_.queue_rows ||
        pending_bytes_ + bytes > options_.queue_bytes) {
      dropped_full_ += std::uint64_t(record->rows);
      return;
    }
    pending_.push_back(record);
    pending_rows_ += record->rows;
    pending_bytes_ += bytes;
    enough = pending_rows_ * 2 >= options_.queue_rows || pending_bytes_ * 2 >= options_.queue_bytes;
  }
  if (enough) wake_.notify_one();
}

void PredictionLog::Flush() {
  std::unique_lock lock(mutex_);
  flush_ = true;
  wake_.notify_one();
  idle_.wait(lock, [&] { return pending_.empty() && !writing_; });
}

void PredictionLog::Write() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, options_.roll, [&] {
      return stop_ || flush_ || pending_rows_ * 2 >= options_.queue_rows ||
             pending_bytes_ * 2 >= options_.queue_bytes;
    });
    flush_ = false;
    const bool last = stop_;
    if (!pending_.empty()) {
      const auto records = std::exchange(pending_, {});
      const auto rows = std::uint64_t(std::exchange(pending_rows_, 0));
      pending_bytes_ = 0;
      writing_ = true;
      lock.unlock();
      WriteFile(records, rows);
      SendFiles();
      lock.lock();
      writing_ = false;
    } else if (options_.send) {  // what did not arrive before
      lock.unlock();
      SendFiles();
      lock.lock();
    }
    idle_.notify_all();
    if (last && pending_.empty()) return;
  }
}

void PredictionLog::WriteFile(const std::vector<std::shared_ptr<LogRecord>>& records,
                              std::uint64_t rows) {
  if (BytesIn(options_.folder) >= options_.folder_bytes) {
    dropped_folder_ += rows;
    return;
  }
  std::vector<LogField> fields;
  for (const Listed& own : listed_) fields.push_back({own.name, own.datatype});
  char number[16];
  std::snprintf(number, sizeof(number), "-%06llu", static_cast<unsigned long long>(next_file_++));
  const std::string path = options_.folder + "/" + prefix_ + number + ".parquet";
  const std::string temporary = path + ".tmp";
  Result<void> written = Internal("not written");
  try {
    written = WritePredictionFile(temporary, options_.model, options_.version, fields, records);
  } catch (const std::exception& e) {
    written = Internal(e.what());
  }
  std::error_code error;
  if (written && options_.send) WriteRequests(path, records);
  if (written) std::filesystem::rename(temporary, path, error);
  if (written && !error) {
    written_ += rows;
    return;
  }
  std::filesystem::remove(temporary, error);
  dropped_failed_ += rows;
}

// The rows are there without it: nobody can ask for their lineage by a request's id then.
void PredictionLog::WriteRequests(const std::string& path,
                                  const std::vector<std::shared_ptr<LogRecord>>& records) const {
  const auto text_of = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  };
  std::string text = text_of(
      {{"model", options_.model}, {"version", options_.version}, {"digest", options_.digest}});
  for (const auto& record : records) text += text_of(record->id);
  std::filesystem::path target = path;
  static_cast<void>(WriteFileAtomically(target.replace_extension(kRequestsEnding), text));
}

void PredictionLog::SendFiles() {
  if (!options_.send) return;
  std::vector<std::pair<std::filesystem::file_time_type, std::string>> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(options_.folder, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    if (entry->path().extension() == ".parquet")
      files.emplace_back(entry->last_write_time(gone), entry->path().string());
  }
  std::sort(files.begin(), files.end());
  for (const auto& [time, path] : files) {
    std::filesystem::path requests = path;
    requests.replace_extension(kRequestsEnding);
    if (std::filesystem::exists(requests, error)) {
      const Sent sent = SendFile(requests.string());
      if (sent == Sent::kNot) return;
      // Refused by a store that takes none yet, or for its size: it is gone without.
      std::filesystem::remove(requests, error);
    }
    const Sent sent = SendFile(path);
    if (sent == Sent::kNot) return;
    if (sent == Sent::kRefused) {
      ++send_failures_;
      continue;  // this file, not all
    }
    ++sent_;
    std::filesystem::remove(path, error);
  }
}

PredictionLog::Sent PredictionLog::SendFile(const std::string& path) {
  Result<void> sent = Internal("not sent");
  try {
    sent = options_.send(path);
  } catch (const std::exception& e) {
    sent = Internal(e.what());
  }
  if (sent) return Sent::kArrived;
  const ErrorKind kind = sent.error().kind;
  if (kind == ErrorKind::kInvalid || kind == ErrorKind::kTooLarge) return Sent::kRefused;
  ++send_failures_;
  return Sent::kNot;
}

std::string PredictionLog::MetricsText() const {
  const auto counter = [](const char* name, const char* help, const std::vector<Sample>& samples) {
    return Expose(std::string("penstock_serve_prediction_log_") + name, FamilyType::kCounter, help,
                  samples);
  };
  const auto reason = [](const char* name, std::uint64_t count) {
    return Sample{double(count), {{"reason", name}}};
  };
  std::string text =
      counter("rows_total", "Rows written to the prediction log.", {Sample{double(written_), {}}}) +
      counter("dropped_total", "Sampled rows that were not written, by reason.",
              {reason("queue_full", dropped_full_), reason("write_failed", dropped_failed_),
               reason("folder_full", dropped_folder_)});
  if (!options_.send) return text;
  return text +
         counter("files_sent_total", "Files that reached the store.", {Sample{double(sent_), {}}}) +
         counter("send_failures_total", "Attempts to send a file that failed; it is tried again.",
                 {Sample{double(send_failures_), {}}});
}

}  // namespace penstock::serve
