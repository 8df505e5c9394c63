#include "components/kafka/spill.h"

#include <cerrno>
#include <memory>

#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

constexpr std::int64_t kNoTime = INT64_MIN;

struct Record {
  std::int64_t offset = 0;
  std::int64_t time_ms = kNoTime;
  std::int64_t key_size = -1;
  std::int64_t size = 0;
};

Error Broken(const std::filesystem::path& path) {
  return FromErrno(path.string(), errno != 0 ? errno : EIO);
}

}  // namespace

SpillPaths SpillPaths::In(const std::filesystem::path& folder, std::int32_t partition) {
  const std::string name = std::to_string(partition);
  return {folder / (name + ".records"), folder / (name + ".keys"), folder / (name + ".bodies")};
}

Result<std::unique_ptr<SpillWriter>> SpillWriter::Create(const SpillPaths& paths) {
  std::unique_ptr<SpillWriter> out(new SpillWriter(paths));
  const auto mode = std::ios::binary | std::ios::trunc;
  errno = 0;
  out->records_.open(paths.records, mode);
  out->keys_.open(paths.keys, mode);
  out->bodies_.open(paths.bodies, mode);
  PENSTOCK_TRY(out->Check());
  return out;
}

Result<void> SpillWriter::Check() {
  if (!records_.good()) return Broken(paths_.records);
  if (!keys_.good()) return Broken(paths_.keys);
  if (!bodies_.good()) return Broken(paths_.bodies);
  return {};
}

Result<void> SpillWriter::Add(const SpilledMessage& message, std::string_view body) {
  Record record{message.offset, message.time_ms.value_or(kNoTime), -1, message.size};
  if (message.key) record.key_size = std::int64_t(message.key->size());
  errno = 0;
  records_.write(reinterpret_cast<const char*>(&record), sizeof record);
  if (message.key) keys_.write(message.key->data(), std::streamsize(message.key->size()));
  bodies_.write(body.data(), std::streamsize(body.size()));
  ++count_;
  return Check();
}

Result<void> SpillWriter::Finish() {
  errno = 0;
  records_.close();
  keys_.close();
  bodies_.close();
  return Check();
}

Result<std::unique_ptr<SpillReader>> SpillReader::Open(const SpillPaths& paths) {
  std::unique_ptr<SpillReader> out(new SpillReader(paths));
  errno = 0;
  out->records_.open(paths.records, std::ios::binary);
  out->keys_.open(paths.keys, std::ios::binary);
  out->bodies_.open(paths.bodies, std::ios::binary);
  if (!out->records_.good()) return Broken(paths.records);
  if (!out->keys_.good()) return Broken(paths.keys);
  if (!out->bodies_.good()) return Broken(paths.bodies);
  return out;
}

Result<bool> SpillReader::Next(SpilledMessage& message) {
  Record record;
  errno = 0;
  records_.read(reinterpret_cast<char*>(&record), sizeof record);
  if (records_.gcount() == 0 && records_.eof()) return false;
  if (records_.gcount() != sizeof record) return Broken(paths_.records);
  message.offset = record.offset;
  message.size = record.size;
  message.time_ms.reset();
  if (record.time_ms != kNoTime) message.time_ms = record.time_ms;
  message.key.reset();
  if (record.key_size >= 0) {
    message.key.emplace(std::size_t(record.key_size), '\0');
    keys_.read(message.key->data(), record.key_size);
    if (keys_.gcount() != record.key_size) return Broken(paths_.keys);
  }
  return true;
}

Result<void> SpillReader::Body(std::int64_t size, std::string& body) {
  body.resize(std::size_t(size));
  errno = 0;
  bodies_.read(body.data(), size);
  if (bodies_.gcount() != size) return Broken(paths_.bodies);
  return {};
}

std::int64_t OffsetOf(const SpillPaths& paths, std::int64_t row) {
  std::ifstream records(paths.records, std::ios::binary);
  Record record;
  records.seekg((row - 1) * std::int64_t(sizeof record));
  records.read(reinterpret_cast<char*>(&record), sizeof record);
  return records.good() ? record.offset : -1;
}

}  // namespace penstock::kafka
