// One part of a source: a table in Arrow's types, read batch by batch. Used by one thread.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::ingest {

class Part {
 public:
  virtual ~Part() = default;
  // As the file has it; its names are not looked at yet (unite.h).
  [[nodiscard]] virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  // What Next will give: these of the schema's columns. Called once, before Next.
  [[nodiscard]] virtual Result<void> Choose(const std::vector<std::string>& columns) = 0;
  // Null at the end.
  [[nodiscard]] virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

// INT96 times are read as microseconds. Invalid for a file that is not whole.
[[nodiscard]] Result<std::unique_ptr<Part>> OpenParquet(const std::filesystem::path& path);

// Arrow's file (Feather 2) and stream format.
[[nodiscard]] Result<std::unique_ptr<Part>> OpenArrowFile(const std::filesystem::path& path);
[[nodiscard]] Result<std::unique_ptr<Part>> OpenArrowStream(const std::filesystem::path& path);

// JSON Lines: an object a line; a key that a line lacks is null there. Read twice: first for the
// types (a number is int64, or float64 where any has a fraction; a text is a text, also where it
// reads as a number or a time; a list has one type within). Columns in `texts` are texts, each
// value as it is written. Invalid names the line, the byte or the column: no object, no UTF-8, a
// key twice, an object within, values of several types, an integer beyond 64 bits.
// Of lines that came from elsewhere `place` says where ("offset 7"); without it, "line 7".
using OpenBytes = std::function<Result<std::shared_ptr<arrow::io::InputStream>>()>;
using PlaceOfLine = std::function<std::string(std::int64_t line)>;
[[nodiscard]] Result<std::unique_ptr<Part>> OpenJsonl(OpenBytes open,
                                                      const std::set<std::string>& texts,
                                                      PlaceOfLine place = {});

}  // namespace penstock::ingest
