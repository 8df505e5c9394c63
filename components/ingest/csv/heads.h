// The beginnings of all CSV files of one source: that they are written alike, and the columns that
// they have together. Used by one thread.
//
// Each file's dialect is seen by itself. What must be the same in all is the delimiter, where a
// file has two columns or more, and whether the first line has the names; quotes, escapes and
// encodings are each file's own. Columns are found by their names, wherever they stand. The first
// file says which there are; one that only a later file has is Invalid, unless somebody has named
// it (columns, types), and where some are named, those that are not are left out.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "components/ingest/csv/head.h"
#include "components/ingest/csv/pass.h"

namespace penstock::ingest {

class CsvHeads {
 public:
  // Both must outlive it.
  CsvHeads(const std::vector<CsvFile>& files, const CsvOptions& options)
      : files_(files), options_(options), nulls_(options.null_values), heads_(files.size()) {}

  // Reads them, anew when called again.
  [[nodiscard]] Result<void> Read();
  // Quotes within quotes of that file are written with a backslash; counts from the next Read on.
  void SetBackslash(std::size_t file) { heads_[file].backslash = true; }

  // Those to read, with what was seen of them in all files.
  [[nodiscard]] const std::vector<CsvColumn>& columns() const { return columns_; }
  [[nodiscard]] const Dialect& dialect() const { return heads_.front().dialect; }
  // May 1.5 and 1,5 be numbers?
  [[nodiscard]] ValueRules rules() const { return RulesOf(nulls_, options_.dialect, dialect()); }
  // How to read one file: `columns` are those() with their types, of which it has some.
  [[nodiscard]] CsvPlan PlanOf(std::size_t file, const std::vector<CsvColumn>& columns,
                               char decimal, bool all_seen) const;
  // Which of the columns some files lack.
  [[nodiscard]] std::vector<std::string> Notes() const;

 private:
  struct Head {
    bool backslash = false;  // seen late
    Dialect dialect;
    const std::vector<std::string>* names = nullptr;
    std::size_t skip = 0;
    std::int64_t first_line = 1;
  };
  // What is known of a column's name.
  struct Named {
    std::size_t place = 0;  // among all names
    Seen seen = 0;
    std::size_t files = 0;  // that have it
  };

  Result<CsvHead> ReadOne(std::size_t file, std::optional<char> delimiter) const;
  Result<CsvHead> ReadAlike(std::size_t file);
  Result<void> Add(std::size_t file, const CsvHead& head);
  Result<void> AddNames(std::size_t file, const CsvHead& head);
  Result<void> Choose();
  Result<void> CheckNames() const;
  [[nodiscard]] Error Unknown(const std::string& parameter, const std::string& name) const;
  [[nodiscard]] bool IsNamed(const std::string& column) const;
  [[nodiscard]] Error In(std::size_t file, const Error& error) const;

  const std::vector<CsvFile>& files_;
  const CsvOptions& options_;
  const NullWords nulls_;
  std::vector<Head> heads_;
  std::set<std::vector<std::string>> headers_;  // each once, however many files have it
  std::optional<std::size_t> first_wide_;       // the first file of two columns or more
  std::vector<std::string> names_;              // of the columns of all files, by first sight
  std::map<std::string, Named> named_;
  std::vector<CsvColumn> columns_;
};

}  // namespace penstock::ingest
