#include "components/ingest/csv/blocks.h"

#include <algorithm>
#include <cstring>

#include "components/ingest/csv/scan.h"
#include "components/sdk/arrow_result.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

// Fixed: where blocks end must not depend on the machine.
constexpr std::size_t kBlockBytes = 1 << 20;

// Does the line that ends before `end` (behind a line feed) hold nothing?
bool IsBlankLine(std::string_view text, std::size_t end, std::size_t& begin) {
  begin = end - 1;
  if (begin > 0 && text[begin - 1] == '\r') --begin;
  return begin == 0 || text[begin - 1] == '\n';
}

}  // namespace

std::size_t CutOfRecords(std::string_view text, const Dialect& dialect) {
  std::size_t cut = 0, at = 0;
  const auto cut_within = [&](std::size_t begin, std::size_t end) {
    const std::size_t found = text.substr(begin, end - begin).rfind('\n');
    if (found != std::string_view::npos) cut = begin + found + 1;
  };
  while (dialect.quote != '\0') {
    const std::size_t quote = text.find(dialect.quote, at);
    if (quote == std::string_view::npos) break;
    cut_within(at, quote);
    const char before = quote == 0 ? '\n' : text[quote - 1];
    at = quote + 1;
    if (before != '\n' && before != dialect.delimiter) continue;
    bool escaped = false;
    const std::size_t close = CloseOfQuote(text, quote + 1, dialect, escaped);
    if (close == std::string_view::npos || close + 1 == text.size()) return cut;
    const char after = text[close + 1];
    at = close + 1;
    if (after == dialect.delimiter || after == '\n' || after == '\r') continue;
    const std::size_t line_end = text.find('\n', quote);  // a bad record, see rows.h
    if (line_end == std::string_view::npos) return cut;
    at = cut = line_end + 1;
  }
  cut_within(at, text.size());
  return cut;
}

Result<void> BlockReader::Skip(std::size_t bytes) {
  std::string skipped(bytes, '\0');
  PENSTOCK_ASSIGN(const auto n, Fill(skipped.data(), bytes));
  if (n < bytes) return Invalid("CSV: the file has changed while it was read");
  return {};
}

Result<std::size_t> BlockReader::Fill(char* to, std::size_t size) {
  std::size_t have = 0;
  while (have < size && !ended_) {
    PENSTOCK_ASSIGN(const auto n,
                    sdk::FromArrow(stream_->Read(std::int64_t(size - have), to + have), "CSV"));
    ended_ = n == 0;
    have += std::size_t(n);
  }
  return have;
}

// What stays may be the file's last empty lines.
std::size_t BlockReader::Cut(std::string_view text) const {
  const std::size_t whole = CutOfRecords(text, dialect_);
  std::size_t cut = whole, begin = 0;
  while (one_column_ && cut > 0 && IsBlankLine(text, cut, begin)) cut = begin;
  return cut == 0 ? whole : cut;
}

std::size_t BlockReader::CutLast(std::string_view text) const {
  std::size_t end = text.size(), begin = 0;
  while (one_column_ && end > 0 && text[end - 1] == '\n' && IsBlankLine(text, end, begin)) {
    end = begin;
  }
  return end;
}

Result<std::optional<Block>> BlockReader::Next() {
  std::size_t capacity = std::max(kBlockBytes, 2 * rest_.size());
  std::unique_ptr<char[]> bytes(new char[capacity + kPadding]);
  std::size_t size = rest_.copy(bytes.get(), rest_.size());
  std::size_t cut = 0;
  for (;;) {
    PENSTOCK_ASSIGN(const auto read, Fill(bytes.get() + size, capacity - size));
    size += read;
    const std::string_view text(bytes.get(), size);
    cut = ended_ ? CutLast(text) : Cut(text);
    if (ended_ || cut > 0) break;
    if (capacity >= kMostRecordBytes) {
      // The quote that opens in this line is never closed: the line is a bad record.
      cut = text.find('\n') + 1;
      if (cut == 0) return Invalid("CSV: a line is longer than 16 MiB; is the file a CSV?");
      break;
    }
    capacity *= 2;
    std::unique_ptr<char[]> larger(new char[capacity + kPadding]);
    std::memcpy(larger.get(), bytes.get(), size);
    bytes = std::move(larger);
  }
  if (ended_) {
    rest_.clear();
  } else {
    rest_.assign(bytes.get() + cut, size - cut);
  }
  if (cut == 0) return std::optional<Block>();
  std::memset(bytes.get() + cut, 0, kPadding);
  return std::optional<Block>(Block{std::move(bytes), cut});
}

}  // namespace penstock::ingest
