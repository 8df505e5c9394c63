// What did not become rows, as a dataset: where each stood (int64, a column a part of the place),
// reason (string), raw (binary). Used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "components/sdk/dataset.h"
#include "operator/base/result.h"

namespace penstock::ingest {

class BadRows {
 public:
  // `place`: the names of the columns that say where one stood. Empty folder: nothing is kept.
  BadRows(std::string folder, std::vector<std::string> place)
      : folder_(std::move(folder)), place_(std::move(place)) {}

  [[nodiscard]] bool keeps() const { return !folder_.empty(); }

  // Starts over.
  [[nodiscard]] Result<void> Begin();
  // As many numbers as the place has names.
  [[nodiscard]] Result<void> Add(std::vector<std::int64_t> place, const std::string& reason,
                                 std::string_view raw);
  // What the other one, of another folder and the same place, has. That is finished by it.
  [[nodiscard]] Result<void> TakeOver(BadRows& other);
  [[nodiscard]] Result<void> Finish();

 private:
  struct Row {
    std::vector<std::int64_t> place;
    std::string reason;
    std::string raw;
  };
  [[nodiscard]] std::shared_ptr<arrow::Schema> MakeSchema() const;
  [[nodiscard]] Result<void> Flush();

  const std::string folder_;
  const std::vector<std::string> place_;
  std::unique_ptr<sdk::DatasetWriter> writer_;
  std::vector<Row> rows_;
  std::size_t bytes_ = 0;
};

}  // namespace penstock::ingest
