// How a CSV is written: what stands between values, around them, and within them.
//
// What the parameters leave open is seen from the first records: of the delimiters , ; tab | the
// one under which most records have as many values (two or more) as the first; of two that fit
// equally the one that gives more columns, then the earlier one. `"` before `'` and a doubled quote
// before a backslash: the later one only where it fits more records and something is written so;
// `'` never where a value begins with `"`. Value types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::ingest {

struct Dialect {
  char delimiter = ',';
  char quote = '"';        // '\0': quotes are letters
  bool backslash = false;  // \" and \\ within quotes; else only ""
  bool header = true;
  char decimal = '.';
  std::string encoding = "utf-8";
  std::vector<std::string> also_fits;  // delimiters that would do as well
};

// The parameters; what is not given is seen.
struct DialectHints {
  std::optional<char> delimiter;
  std::optional<char> quote;
  std::optional<bool> backslash;
  std::optional<bool> header;
  std::optional<char> decimal;
  std::string encoding = "auto";
};

// The result `dialect`.
[[nodiscard]] Json DialectJson(const Dialect& dialect);

// Delimiter, quote and escape from `sample`, the file's first bytes up to the end of a record.
[[nodiscard]] Dialect SeeDialect(std::string_view sample, const DialectHints& hints);

}  // namespace penstock::ingest
