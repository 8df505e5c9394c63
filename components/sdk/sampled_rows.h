// A few rows of a dataset as JSON, so that they can be shown where nobody reads Parquet (the API,
// the page): the dataset's file _sample.json. Used by one thread.
//
//   {"columns": [name, ...], "moreColumns": n, "rows": [[value, ...], ...], "places": [row, ...],
//    "cut": [[row, column, length], ...]}
//
// Of a dataset written row by row these are the rows whose places, from 0, hash lowest: the same
// for the same rows, whatever the batches. Texts, and bytes in hexadecimal, have at most
// kSampleText bytes, a list kSampleElements values with those of lists in it; `cut` names what is
// not whole, with its length in bytes or values. Whole numbers beyond 2^53, decimals, times, dates
// and what is no finite number are texts. The file has at most kSampleBytes: rows that hash
// highest are left out, and so is a single row that is longer.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::sdk {

inline constexpr const char* kSampleFile = "_sample.json";
inline constexpr std::size_t kSampleRows = 50;
inline constexpr int kSampleColumns = 200;
inline constexpr std::size_t kSampleText = 200;
inline constexpr int kSampleElements = 20;
inline constexpr std::size_t kSampleBytes = 64 << 10;
inline constexpr std::int64_t kSampledOfGroup = 1'024;
inline constexpr std::size_t kSampledGroups = 5;

class SampledRows {
 public:
  // `batch`: columns of stored types (arrow_types.h), the same in every call; its first row has the
  // place `first_row`.
  void Add(const arrow::RecordBatch& batch, std::int64_t first_row);
  // Of parts that another program wrote: of the first kSampledOfGroup rows of at most
  // kSampledGroups row groups, evenly spread. No more than these is read.
  [[nodiscard]] static Result<SampledRows> OfParts(const std::vector<std::string>& parts);
  // What the file says, rows by their places; null where there is none.
  [[nodiscard]] Json ToJson() const;
  // Writes the file into the dataset's folder; where there is no row, no such file is left there.
  [[nodiscard]] Result<void> Save(const std::string& folder) const;

 private:
  struct Cut {
    int column = 0;
    std::int64_t length = 0;
  };
  struct Row {
    std::uint64_t hash = 0;
    std::int64_t place = 0;
    Json values;
    std::vector<Cut> cut;
    std::size_t bytes = 0;  // of it in the file, at most
  };
  [[nodiscard]] static Row Read(const arrow::RecordBatch& batch, std::int64_t row);

  Json columns_ = Json::array();
  int more_columns_ = 0;
  std::vector<Row> rows_;  // by hash, ascending
};

}  // namespace penstock::sdk
