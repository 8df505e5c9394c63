// Messages that did not become rows, as a dataset: partition, offset (int64), reason (string), raw
// (binary). Used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "components/sdk/dataset.h"
#include "operator/base/result.h"

namespace penstock::kafka {

class Quarantine {
 public:
  // Empty folder: nothing is kept, and what is bad is an error of Add that names its place.
  Quarantine(std::string folder, bool is_error) : folder_(std::move(folder)), is_error_(is_error) {}

  [[nodiscard]] bool keeps() const { return !folder_.empty(); }
  [[nodiscard]] bool is_error() const { return is_error_; }

  // Starts over.
  [[nodiscard]] Result<void> Begin();
  // Invalid where what is bad is an error.
  [[nodiscard]] Result<void> Add(std::int32_t partition, std::int64_t offset,
                                 const std::string& reason, std::string_view raw);
  // What the other one, of another folder, has. That is finished by it.
  [[nodiscard]] Result<void> TakeOver(Quarantine& other);
  [[nodiscard]] Result<void> Finish();
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  struct Row {
    std::int32_t partition;
    std::int64_t offset;
    std::string reason;
    std::string raw;
  };
  [[nodiscard]] Result<void> Flush();

  const std::string folder_;
  const bool is_error_;
  std::unique_ptr<sdk::DatasetWriter> writer_;
  std::vector<Row> rows_;
  std::size_t bytes_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace penstock::kafka
