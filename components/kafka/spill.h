// The messages of one partition on disk, in the order of their offsets, until all are there: three
// files, of which one has a record of fixed size for each message, so that the n-th is found
// without a table in memory. Written once, then read, any number of times. Each object is used by
// one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::kafka {

struct SpilledMessage {
  std::int64_t offset = 0;
  std::optional<std::int64_t> time_ms = {};
  std::optional<std::string> key = {};
  std::int64_t size = 0;  // of its body; -1 where it has none
};

struct SpillPaths {
  std::filesystem::path records, keys, bodies;
  [[nodiscard]] static SpillPaths In(const std::filesystem::path& folder, std::int32_t partition);
};

class SpillWriter {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SpillWriter>> Create(const SpillPaths& paths);
  // `body` is what stands in the bodies' file, `size` what the record says of it.
  [[nodiscard]] Result<void> Add(const SpilledMessage& message, std::string_view body);
  [[nodiscard]] Result<void> Finish();
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  explicit SpillWriter(SpillPaths paths) : paths_(std::move(paths)) {}
  [[nodiscard]] Result<void> Check();
  SpillPaths paths_;
  std::ofstream records_, keys_, bodies_;
  std::int64_t count_ = 0;
};

class SpillReader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SpillReader>> Open(const SpillPaths& paths);
  // False at the end.
  [[nodiscard]] Result<bool> Next(SpilledMessage& message);
  // Of a body of `size` bytes, the next in the file.
  [[nodiscard]] Result<void> Body(std::int64_t size, std::string& body);

 private:
  explicit SpillReader(SpillPaths paths) : paths_(std::move(paths)) {}
  SpillPaths paths_;
  std::ifstream records_, keys_, bodies_;
};

// The offset of the n-th message, from 1; -1 where it cannot be read.
[[nodiscard]] std::int64_t OffsetOf(const SpillPaths& paths, std::int64_t row);

}  // namespace penstock::kafka
