// What is held of a column while it is compared: the values of the rows that were chosen, of both
// sides. Used by one thread at a time.
//
// Memory: a number is 9 bytes (33 where whole numbers are beyond 2^53), a category's code 4, a
// distinct value at most about 200 (longer ones are told apart by a hash), a text at most 200 words
// of 4 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "components/drift/batch_column.h"
#include "components/drift/options.h"
#include "components/drift/pairing.h"
#include "components/drift/whole_numbers.h"
#include "components/sdk/cells.h"

namespace penstock::drift {

inline constexpr std::size_t kReference = 0;
inline constexpr std::size_t kCurrent = 1;
inline constexpr std::array<const char*, 2> kSideNames = {"reference", "current"};

// Texts by number, in the order of first sight.
// Open addressing: a text that is known takes a hash, a look and a comparison, and no allocation.
class Dictionary {
 public:
  // `most` texts; those beyond it are all the number most.
  explicit Dictionary(std::size_t most = SIZE_MAX) : most_(most) {}
  [[nodiscard]] std::uint32_t CodeOf(std::string_view text);
  [[nodiscard]] const std::string& TextOf(std::uint32_t code) const { return texts_[code]; }
  [[nodiscard]] std::size_t size() const { return texts_.size(); }

 private:
  // A power of two of places, at most half of them taken; 0: none, else the code + 1.
  struct Place {
    std::uint32_t hash = 0;
    std::uint32_t taken = 0;
  };
  void Grow();

  std::size_t most_;
  std::vector<Place> places_;
  std::deque<std::string> texts_;
};

// A number's place where it is none.
enum class Special : std::uint8_t { kNone, kNull, kNan, kInfinite, kMinusInfinite };
inline constexpr std::array<const char*, 5> kSpecialNames = {"", "null", "NaN", "infinite",
                                                             "-infinite"};

inline constexpr std::uint32_t kNullCode = 0;  // of categories and clocks
inline constexpr std::size_t kTextRows = 20'000;
inline constexpr std::size_t kWordsOfText = 200;
inline constexpr std::size_t kDistinctWords = 500'000;

struct Values {
  std::vector<double> numbers;    // kNumber; 0 where special
  std::vector<Special> specials;  // kNumber
  // kNumber of whole numbers, from the first beyond 2^53 on: as they are, 0 where special.
  std::vector<std::int64_t> wholes;
  bool has_reals = false;            // kNumber: some came as floats
  std::vector<std::uint32_t> codes;  // kCategory, kClock; kText: the words, row by row
  std::vector<std::size_t> ends;     // kText: where each row's words end
  std::int64_t nulls = 0;
  std::int64_t words = 0;  // kCategory of texts: how many words the first rows have
  std::int64_t counted_rows = 0;
  std::int64_t first_time = INT64_MAX;  // kClock
  std::int64_t last_time = INT64_MIN;
  [[nodiscard]] std::size_t rows(Kind kind) const;
};

struct ColumnValues {
  explicit ColumnValues(const Pair& p);
  Pair pair;
  Dictionary dictionary;
  std::array<Values, 2> sides;

  // Makes room for so many rows of a side.
  void Reserve(std::size_t side, std::size_t rows);
  // Adds the given rows of a batch's column.
  void Add(std::size_t side, const BatchColumn& column, const std::vector<std::int64_t>& rows);
  // Once all rows are there: whole numbers beyond 2^53 that would be one get doubles of their own.
  void TellWholesApart();
  WholeNumbers wholes;  // what that was, for the names of bins and for rows that come later
  // Texts of many words, nearly all different: they are to be read again, as texts.
  [[nodiscard]] bool LooksLikeText() const;
  // Nearly all values differ, so that there is nothing to compare.
  [[nodiscard]] bool LooksLikeId() const;

 private:
  using RowList = std::vector<std::int64_t>;
  void AddEntries(Values& values, const BatchColumn& column, const RowList& rows);
  void AddCategories(Values& values, const sdk::TypedColumn& column, const RowList& rows);
  [[nodiscard]] std::uint32_t CodeOfText(Values& values, std::string_view text);
  void AddText(Values& values, const sdk::Cell& cell);
  // The items from `first` on.
  void AddItems(Values& values, const sdk::TypedColumn& items, std::int64_t first,
                std::int64_t count);
  void AddLists(Values& values, const BatchColumn& column, const RowList& rows);
  void AddSize(Values& values, std::size_t size, const char* of);
  // Each word of a row once.
  static void EndRow(Values& values, std::size_t begin);
};

// The words of a text in lower case (ASCII letters only): runs of letters and digits of ASCII and
// of all that is not ASCII. Calls `visit` with each, as written.
void ForEachWord(std::string_view text, const std::function<void(std::string_view)>& visit);

}  // namespace penstock::drift
