#include "components/ingest/csv/rows.h"

#include <arrow/util/utf8.h>

#include <algorithm>

#include "components/ingest/csv/scan.h"

namespace penstock::ingest {
namespace {

class RowSplitter {
 public:
  RowSplitter(std::string_view text, const Dialect& dialect, std::size_t width)
      : text_(text), dialect_(dialect) {
    rows_.text = text;
    rows_.width = width;
    mask_ = Load(0);
  }

  Rows Run(std::size_t limit) {
    while (begin_ < text_.size() && rows_.spans.size() < limit) Record();
    rows_.fields.resize(rows_.spans.size() * rows_.width);
    return std::move(rows_);
  }

 private:
  [[nodiscard]] std::uint64_t Load(std::size_t at) const {
    const char quote = dialect_.quote == '\0' ? '\n' : dialect_.quote;
    return BitsOf(text_.data() + at, dialect_.delimiter, '\n', '\r', quote);
  }

  // The next byte that means something; the text's size when there is none.
  std::size_t Next() {
    while (mask_ == 0) {
      base_ += 64;
      if (base_ >= text_.size()) return text_.size();
      mask_ = Load(base_);
    }
    const std::size_t at = base_ + std::size_t(std::countr_zero(mask_));
    mask_ &= mask_ - 1;
    return std::min(at, text_.size());
  }

  void GoTo(std::size_t at) {
    base_ = at;
    mask_ = at < text_.size() ? Load(at) : 0;
  }

  void Record() {
    field_ = begin_;
    count_ = 0;
    quoted_ = false;
    problem_.clear();
    if (rows_.width > 0 && rows_.fields.size() < (rows_.spans.size() + 1) * rows_.width) {
      rows_.fields.resize((rows_.spans.size() * 2 + 64) * rows_.width);
    }
    for (;;) {
      const std::size_t at = Next();
      if (at == text_.size()) return EndRecord(at, at);
      const char c = text_[at];
      if (c == dialect_.delimiter) {
        Push(at);
        field_ = at + 1;
      } else if (c == '\n') {
        return EndRecord(at, at + 1);
      } else if (c == '\r') {
        if (text_.data()[at + 1] == '\n') {
          Next();
          return EndRecord(at, at + 2);
        }
        Fail("a carriage return without a line feed; write lines that end in a line feed");
      } else if (at == field_) {
        if (!Quoted(at)) return;
      }
    }
  }

  // False: the record has ended.
  bool Quoted(std::size_t at) {
    bool escaped = false;
    const std::size_t close = CloseOfQuote(text_, at + 1, dialect_, escaped);
    if (close == std::string_view::npos) {
      Fail("the quote that opens here is not closed before the file ends, nor within 16 MiB");
      return SkipLine(at);
    }
    const std::size_t after = close + 1;
    const char c = text_.data()[after];
    if (after == text_.size() || c == dialect_.delimiter || c == '\n' || c == '\r') {
      CheckLines(at, close);
      pending_ = {std::uint32_t(at + 1), std::uint32_t(close - at - 1), 1, escaped ? 1U : 0U};
      quoted_ = true;
      GoTo(after);
      return true;
    }
    const auto lines = CountLines(text_.data() + at, text_.data() + close);
    Fail("a quote within a quoted value" +
         (lines == 0 ? ""
                     : ", which opens here and is " + std::to_string(lines + 1) + " lines long") +
         "; a quote is written twice, or with a backslash (parameter escape)" +
         (c == ' ' ? "; if values stand between blanks, set the parameter delimiter to one" : ""));
    return SkipLine(at);
  }

  // Lines within a quoted value that have as many values as a record may be records that two stray
  // quotes took in.
  void CheckLines(std::size_t open, std::size_t close) {
    const std::string_view value = text_.substr(open, close - open);
    std::size_t at = value.find('\n');
    if (at == std::string_view::npos || rows_.width < 2 || count_ >= rows_.width) return;
    std::int64_t lines = 0;
    while (at != std::string_view::npos) {
      const std::size_t end = value.find('\n', at + 1);
      const std::string_view line = value.substr(at + 1, std::min(end, value.size()) - at - 1);
      const auto values = std::count(line.begin(), line.end(), dialect_.delimiter) + 1;
      if (std::size_t(values) != rows_.width) return;
      ++lines;
      at = end;
    }
    if (rows_.swallowed.lines == 0) rows_.swallowed = {open, int(count_), lines};
  }

  // The next record begins behind the line in which the bad quote opened, as CutOfRecords has it.
  bool SkipLine(std::size_t at) {
    const std::size_t line_end = text_.find('\n', at);
    const std::size_t end = line_end == std::string_view::npos ? text_.size() : line_end + 1;
    GoTo(end);
    EndRecord(end, end);
    return false;
  }

  void Push(std::size_t end) {
    const Field field =
        quoted_ ? pending_ : Field{std::uint32_t(field_), std::uint32_t(end - field_), 0, 0};
    quoted_ = false;
    if (rows_.width == 0) {
      first_.push_back(field);
    } else if (count_ < rows_.width) {
      rows_.fields[rows_.spans.size() * rows_.width + count_] = field;
    }
    ++count_;
  }

  void EndRecord(std::size_t end, std::size_t next) {
    const std::size_t begin = begin_;
    begin_ = next;
    if (end == begin && rows_.width != 1 && problem_.empty()) return;  // nothing in the line
    Push(end);
    if (rows_.width == 0 && problem_.empty()) {
      rows_.width = count_;
      rows_.fields = std::move(first_);
    }
    first_.clear();
    if (problem_.empty() && count_ != rows_.width) {
      column_ = -1;
      problem_ =
          "Expected " + std::to_string(rows_.width) + " columns, got " + std::to_string(count_);
    }
    if (problem_.empty()) {
      rows_.spans.push_back({std::uint32_t(begin), std::uint32_t(next)});
    } else {
      rows_.bad.push_back({begin, next, column_, problem_});
    }
  }

  void Fail(std::string problem) {
    if (!problem_.empty()) return;
    problem_ = std::move(problem);
    column_ = int(count_);
  }

  const std::string_view text_;
  const Dialect& dialect_;
  Rows rows_;
  std::vector<Field> first_;  // of the record that says how many there are
  std::size_t base_ = 0;      // of mask_
  std::uint64_t mask_ = 0;
  std::size_t begin_ = 0;  // of the record
  std::size_t field_ = 0;  // the value's begin
  std::size_t count_ = 0;  // values of the record so far
  Field pending_;
  bool quoted_ = false;  // pending_ is the value
  std::string problem_;
  int column_ = -1;
};

bool IsUtf8(std::string_view text) {
  return arrow::util::ValidateUTF8(reinterpret_cast<const std::uint8_t*>(text.data()),
                                   std::int64_t(text.size()));
}

const char* ByteProblem(std::string_view text) {
  if (!IsUtf8(text)) {
    return "bytes that are no UTF-8; if the file is written in another encoding, say which by the "
           "parameter encoding (windows-1252, latin1)";
  }
  if (text.find('\0') == std::string_view::npos) return nullptr;
  return "a NUL byte; if the file is UTF-16 without a mark, set the parameter encoding "
         "(utf-16le)";
}

}  // namespace

Rows SplitRows(std::string_view text, const Dialect& dialect, std::size_t width,
               std::size_t limit) {
  return RowSplitter(text, dialect, width).Run(limit);
}

void CheckBytes(Rows& rows) {
  arrow::util::InitializeUTF8();
  if (ByteProblem(rows.text) == nullptr) return;
  std::vector<std::size_t> drop;
  for (std::size_t r = 0; r < rows.spans.size(); ++r) {
    const auto [begin, end] = rows.spans[r];
    const char* problem = ByteProblem(rows.text.substr(begin, end - begin));
    if (problem == nullptr) continue;
    int column = -1;
    for (std::size_t c = 0; c < rows.width && column < 0; ++c) {
      if (ByteProblem(rows.Text(rows.At(r, c))) != nullptr) column = int(c);
    }
    rows.bad.push_back({begin, end, column, problem});
    drop.push_back(r);
  }
  rows.Drop(drop);
}

void Rows::Drop(const std::vector<std::size_t>& rows) {
  std::size_t kept = 0, next = 0;
  for (std::size_t r = 0; r < spans.size(); ++r) {
    if (next < rows.size() && rows[next] == r) {
      ++next;
      continue;
    }
    if (kept != r) {
      std::copy_n(fields.begin() + std::ptrdiff_t(r * width), width,
                  fields.begin() + std::ptrdiff_t(kept * width));
      spans[kept] = spans[r];
    }
    ++kept;
  }
  spans.resize(kept);
  fields.resize(kept * width);
  std::stable_sort(bad.begin(), bad.end(),
                   [](const BadRow& a, const BadRow& b) { return a.begin < b.begin; });
}

void Unescape(std::string_view text, const Dialect& dialect, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    const bool pair =
        (text[i] == dialect.quote && next == dialect.quote) ||
        (dialect.backslash && text[i] == '\\' && (next == dialect.quote || next == '\\'));
    if (pair) ++i;
    out += text[i];
  }
}

}  // namespace penstock::ingest
