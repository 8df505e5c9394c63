#include "components/statistics/summary/text_counts.h"

#include <arrow/api.h>

#include <bit>
#include <charconv>

#include "components/sdk/row_hash.h"

namespace penstock::statistics {
namespace {

std::int64_t LengthOf(std::string_view text, bool bytes) {
  if (bytes) return std::int64_t(text.size());
  std::int64_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return characters;
}

void AddText(std::string_view text, std::int64_t count, bool bytes, BlockValues& block) {
  block.texts.emplace_back(KeyOf(text), count);
  block.lengths.emplace_back(LengthOf(text, bytes), count);
  if (text.empty()) block.empty += count;
}

void CountCoded(const arrow::DictionaryArray& coded, bool bytes, BlockValues& block) {
  const auto& texts = static_cast<const arrow::BinaryArray&>(*coded.dictionary());
  const auto& indices = static_cast<const arrow::Int32Array&>(*coded.indices());
  std::vector<std::uint32_t> counts(std::size_t(texts.length()));
  const std::int32_t* codes = indices.raw_values();
  if (indices.null_count() == 0) {
    for (std::int64_t r = 0; r < indices.length(); ++r) ++counts[std::size_t(codes[r])];
  } else {
    for (std::int64_t r = 0; r < indices.length(); ++r) {
      if (indices.IsValid(r)) ++counts[std::size_t(codes[r])];
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) AddText(texts.GetView(std::int64_t(i)), counts[i], bytes, block);
  }
}

// Open addressing over the views: equal texts are found without a copy of each.
void CountPlain(const arrow::BinaryArray& texts, bool bytes, BlockValues& block) {
  struct Entry {
    std::uint64_t hash = 0;
    std::int64_t row = 0;
    std::int64_t count = 0;
  };
  std::vector<Entry> table(std::bit_ceil(std::size_t(texts.length()) * 2 + 1));
  const std::size_t mask = table.size() - 1;
  for (std::int64_t r = 0; r < texts.length(); ++r) {
    if (texts.IsNull(r)) continue;
    const std::string_view text = texts.GetView(r);
    const std::uint64_t hash = sdk::MixBits(sdk::HashText(text));
    std::size_t at = std::size_t(hash) & mask;
    while (table[at].count > 0 &&
           (table[at].hash != hash || texts.GetView(table[at].row) != text)) {
      at = (at + 1) & mask;
    }
    if (table[at].count++ == 0) {
      table[at].hash = hash;
      table[at].row = r;
    }
  }
  for (const Entry& entry : table) {
    if (entry.count > 0) AddText(texts.GetView(entry.row), entry.count, bytes, block);
  }
}

}  // namespace

TextKey KeyOf(std::string_view text) {
  TextKey key{sdk::MixBits(sdk::HashText(text)), {}};
  if (text.size() <= kMostKeyBytes) {
    key.text = text;
    return key;
  }
  constexpr std::size_t kMark = 20;  // "... " and 16 digits
  std::size_t end = kMostKeyBytes - kMark;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  char digits[16];
  const auto written = std::to_chars(digits, digits + sizeof digits, key.hash, 16);
  key.text = std::string(text.substr(0, end)) + "... " + std::string(digits, written.ptr);
  return key;
}

void CountTexts(const arrow::Array& array, bool bytes, BlockValues& block) {
  if (array.type_id() == arrow::Type::DICTIONARY) {
    CountCoded(static_cast<const arrow::DictionaryArray&>(array), bytes, block);
  } else if (array.type_id() != arrow::Type::NA) {
    CountPlain(static_cast<const arrow::BinaryArray&>(array), bytes, block);
  }
}

}  // namespace penstock::statistics
