// Records of a piece of a CSV as values that borrow its bytes. No type is known here.
//
// A quote opens a value where the value begins, and only there; elsewhere in a value that is not
// quoted it is a letter. Behind the quote that closes must come a delimiter or the end of the
// line. Lines without anything are no records, but a null where there is one column. Used by one
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "components/ingest/csv/dialect.h"

namespace penstock::ingest {

struct Field {
  std::uint32_t begin = 0;
  std::uint32_t size : 30 = 0;
  std::uint32_t quoted : 1 = 0;
  std::uint32_t escaped : 1 = 0;  // something within stands for something else
};

// A record that is none, or that holds a value which cannot be what it must be.
struct BadRow {
  std::size_t begin = 0;
  std::size_t end = 0;
  int column = -1;  // -1: none in particular
  std::string reason;
};

// Lines of a quoted value that all have as many values as a record has.
struct Swallowed {
  std::size_t begin = 0;  // of the value, its quote
  int column = 0;
  std::int64_t lines = 0;  // 0: there are none
};

struct Rows {
  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  std::string_view text;
  std::size_t width = 0;
  std::vector<Field> fields;  // row by row
  std::vector<Span> spans;    // of the rows, with their line ends
  std::vector<BadRow> bad;    // in order
  Swallowed swallowed;        // the first

  [[nodiscard]] const Field& At(std::size_t row, std::size_t column) const {
    return fields[row * width + column];
  }
  [[nodiscard]] std::string_view Text(const Field& field) const {
    return text.substr(field.begin, field.size);
  }
  // Drops rows (ascending); they are in `bad` already.
  void Drop(const std::vector<std::size_t>& rows);
};

// Splits `text`, which is followed by kPadding zeros and is under 1 GiB. `width` 0: what the first
// record has. At most `limit` records.
[[nodiscard]] Rows SplitRows(std::string_view text, const Dialect& dialect, std::size_t width,
                             std::size_t limit = SIZE_MAX);

// Moves rows that are no UTF-8, or have a NUL, to `bad`.
void CheckBytes(Rows& rows);

// What a value with `escaped` stands for.
void Unescape(std::string_view text, const Dialect& dialect, std::string& out);

}  // namespace penstock::ingest
