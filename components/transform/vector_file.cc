#include "components/transform/vector_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <span>

#include "components/model_format/fnv1a.h"
#include "components/model_format/words.h"
#include "components/sdk/row_hash.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

constexpr std::size_t kBuffer = 1 << 20;   // of a file that is read to its end
constexpr std::size_t kOneLine = 1 << 14;  // of a line here and there
constexpr std::size_t kLongestLine = 1 << 20;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// The lines of a file, with where each begins.
class Lines {
 public:
  Lines(const std::string& path, std::size_t at_once)
      : in_(path, std::ios::binary), at_once_(at_once) {}

  [[nodiscard]] bool opened() const { return in_.is_open(); }
  [[nodiscard]] bool too_long() const { return too_long_; }
  [[nodiscard]] bool failed() const { return in_.bad(); }
  [[nodiscard]] std::uint64_t offset() const { return line_at_; }

  void Seek(std::uint64_t offset) {
    in_.clear();
    in_.seekg(std::streamoff(offset));
    buffer_.clear();
    taken_ = searched_ = 0;
    at_ = offset;
  }

  // False at the end, and where a line is too long.
  bool Next(std::string_view& line) {
    line_at_ = at_;
    for (;;) {
      const std::size_t end = buffer_.find('\n', searched_);
      if (end != std::string::npos) return Give(line, end, 1);
      searched_ = buffer_.size();
      too_long_ = searched_ - taken_ > kLongestLine;
      if (too_long_) return false;
      buffer_.erase(0, taken_);
      searched_ -= taken_;
      taken_ = 0;
      const std::size_t before = buffer_.size();
      buffer_.resize(before + at_once_);
      in_.read(buffer_.data() + before, std::streamsize(at_once_));
      buffer_.resize(before + std::size_t(in_.gcount()));
      if (buffer_.size() > before) continue;
      return !buffer_.empty() && !in_.bad() && Give(line, buffer_.size(), 0);
    }
  }

 private:
  bool Give(std::string_view& line, std::size_t end, std::size_t behind) {
    line = std::string_view(buffer_).substr(taken_, end - taken_);
    at_ += end - taken_ + behind;
    taken_ = searched_ = end + behind;
    return true;
  }

  std::ifstream in_;
  const std::size_t at_once_;
  std::string buffer_;
  std::size_t taken_ = 0;     // of the buffer
  std::size_t searched_ = 0;  // up to here no line ends
  std::uint64_t at_ = 0;      // of the file: where the next line begins
  std::uint64_t line_at_ = 0;
  bool too_long_ = false;
};

// A finite number that float32 has; one that is too near to 0 is 0.
std::optional<float> NumberOf(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (at != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    if (text.find("e-") == std::string_view::npos && text.find("E-") == std::string_view::npos) {
      return std::nullopt;
    }
    value = 0;
  }
  if (!(std::abs(value) <= double(std::numeric_limits<float>::max()))) return std::nullopt;
  return static_cast<float>(value);
}

std::vector<std::string_view> FieldsOf(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t at = 0; at < line.size();) {
    while (at < line.size() && IsBlank(line[at])) ++at;
    const std::size_t begin = at;
    while (at < line.size() && !IsBlank(line[at])) ++at;
    if (at > begin) fields.push_back(line.substr(begin, at - begin));
  }
  return fields;
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kShown = 40;
  return "'" + plan::Shown(text, kShown) + "'";
}

// Splits the last numbers off a line; what stands before them is the word.
struct Entry {
  std::string_view word;
  std::vector<float> numbers;
};
Result<void> ParseEntry(std::string_view line, std::size_t dimensions, const std::string& as,
                        Entry& entry) {
  entry.numbers.resize(dimensions);
  std::string_view rest = line;
  for (std::size_t i = dimensions; i-- > 0;) {
    std::size_t begin = rest.size();
    while (begin > 0 && !IsBlank(rest[begin - 1])) --begin;
    const std::string_view field = rest.substr(begin);
    rest = Trimmed(rest.substr(0, begin));
    if (rest.empty() && i == 0 && IsBlank(line.front())) {
      return Invalid("begins with a blank: its word is empty; leave the line out");
    }
    if (rest.empty()) {
      return Invalid("has " + std::to_string(FieldsOf(line).size() - 1) +
                     " numbers behind a word, " + as + " " + std::to_string(dimensions));
    }
    const auto number = NumberOf(field);
    if (!number) return Invalid(Quoted(field) + " is no finite number");
    entry.numbers[i] = *number;
  }
  entry.word = rest;
  const std::size_t blank = rest.find_last_of(" \t");
  if (blank != std::string_view::npos && NumberOf(rest.substr(blank + 1))) {
    return Invalid("has more numbers than " + std::to_string(dimensions) + ", which " + as);
  }
  while (!entry.word.empty() && IsBlank(entry.word.front())) entry.word.remove_prefix(1);
  return {};
}

// What a text can have as one word.
bool IsOneWord(std::string_view word) {
  bool one = false;
  sdk::ForEachUnicodeWord(word, [&](std::string_view part) { one = part == word; });
  return one && sdk::IsUtf8(word);
}

struct Seen {
  std::uint64_t hash = 0;
  std::uint64_t other = 0;  // together 128 bits: two words are told apart
  std::int64_t line = 0;
  auto operator<=>(const Seen&) const = default;
};

Seen SeenAs(std::string_view word, std::int64_t line) {
  Seen seen{sdk::Fnv1a(word), word.size(), line};
  for (const char c : word) seen.other = sdk::MixBits(seen.other ^ static_cast<unsigned char>(c));
  return seen;
}

// The first line that holds a word that an earlier one has, with that one.
std::optional<std::pair<std::int64_t, std::int64_t>> Repeated(std::vector<Seen>& seen) {
  std::sort(seen.begin(), seen.end());
  std::optional<std::pair<std::int64_t, std::int64_t>> first;
  for (std::size_t i = 1; i < seen.size(); ++i) {
    if (seen[i].hash != seen[i - 1].hash || seen[i].other != seen[i - 1].other) continue;
    if (!first || seen[i].line < first->first) first = {seen[i].line, seen[i - 1].line};
  }
  return first;
}

}  // namespace

// The state of Scan.
struct VectorFile::Reading {
  VectorFile& file;
  const WordSet& wanted;
  std::int64_t most_first;
  std::int64_t line = 0;
  std::optional<std::int64_t> announced = {};  // words, by the first line
  std::string as = "line 1 has";               // who says how many numbers there are
  std::vector<Seen> seen = {};
  Entry entry = {};

  [[nodiscard]] Error At(const std::string& what) const {
    return Invalid(file.path_ + ", line " + std::to_string(line) + ": " + what);
  }

  // "words numbers", or else the first word.
  Result<bool> TakeHeader(std::string_view text) {
    const auto fields = FieldsOf(text);
    if (fields.size() < 2) return At("has no numbers behind its word");
    const auto whole = [](std::string_view field) -> std::optional<std::int64_t> {
      std::int64_t value = 0;
      const auto [at, error] = std::from_chars(field.data(), field.data() + field.size(), value);
      if (error != std::errc() || at != field.data() + field.size() || value < 0) return {};
      return value;
    };
    const auto words = whole(fields[0]);
    const auto numbers = whole(fields[1]);
    const bool header = fields.size() == 2 && words && numbers;
    file.dimensions_ = header ? *numbers : std::int64_t(fields.size()) - 1;
    if (file.dimensions_ < 1 || file.dimensions_ > sdk::kMostDimensions) {
      return At("a word has " + std::to_string(file.dimensions_) + " numbers; 1 to " +
                std::to_string(sdk::kMostDimensions) + " can be used");
    }
    if (header) {
      announced = words;
      as = "line 1 says";
    }
    return header;
  }

  Result<void> Take(std::string_view text, std::uint64_t offset) {
    const auto parsed = ParseEntry(text, std::size_t(file.dimensions_), as, entry);
    if (!parsed) return At(parsed.error().message);
    ++file.words_;
    seen.push_back(SeenAs(entry.word, line));
    const std::string word = sdk::ComposeHangul(entry.word);
    const bool is_first = std::int64_t(file.first_.size()) < most_first;
    const bool usable = !is_first || IsOneWord(word);
    if (!usable) ++file.unusable_;
    const bool is_wanted = wanted.contains(word) && sdk::IsUtf8(word);
    if (!is_wanted && !(is_first && usable)) return {};
    if (!file.places_.try_emplace(word, Place{offset, line}).second) return {};
    if (is_first && usable) file.first_.push_back(word);
    return {};
  }

  Result<void> Line(std::string_view raw, std::uint64_t offset) {
    ++line;
    std::string_view text = Trimmed(raw);
    if (line == 1 && text.starts_with("\x1F\x8B")) {
      return At("the file is packed (gzip); unpack it first");
    }
    if (raw.find('\0') != std::string_view::npos) {
      return At(
          "holds a NUL byte: the file is no text; give the vectors in their text form (.vec)");
    }
    if (line == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (text.empty()) return At("is empty");
    if (line == 1) {
      PENSTOCK_ASSIGN(const bool header, TakeHeader(text));
      if (header) return {};
    }
    return Take(text, offset);
  }

  Result<void> End() {
    if (file.words_ == 0) return Invalid(file.path_ + ": has no word");
    if (announced && *announced != file.words_) {
      return Invalid(file.path_ + ": its first line says " + std::to_string(*announced) +
                     " words, and it has " + std::to_string(file.words_) +
                     (file.words_ < *announced ? "; it may have been cut off" : ""));
    }
    const auto repeated = Repeated(seen);
    if (!repeated) return {};
    line = repeated->first;
    return At("its word stands in line " + std::to_string(repeated->second) +
              " too; leave one of them out");
  }
};

Result<VectorFile> VectorFile::Scan(const std::string& path, const WordSet& wanted,
                                    std::int64_t first) {
  PENSTOCK_ASSIGN(const auto size, SizeOfFile(path));
  if (!size) return Invalid(path + ": is no file of word vectors");
  Lines lines(path, kBuffer);
  if (!lines.opened()) return FromErrno(path, errno);
  VectorFile file;
  file.path_ = path;
  Reading reading{file, wanted, first};
  std::string_view text;
  while (lines.Next(text)) PENSTOCK_TRY(reading.Line(text, lines.offset()));
  if (lines.failed()) return FromErrno(path, errno);
  if (lines.too_long()) {
    ++reading.line;
    return reading.At("is longer than 1 MiB: the file is no text of word vectors");
  }
  PENSTOCK_TRY(reading.End());
  return file;
}

Result<std::shared_ptr<const sdk::WordVectors>> VectorFile::Read(
    const std::vector<std::string>& words) const {
  auto vectors = std::make_shared<sdk::WordVectors>();
  vectors->dimensions = dimensions_;
  vectors->words = words;
  vectors->values.reserve(words.size() * std::size_t(dimensions_));
  Lines lines(path_, kOneLine);
  if (!lines.opened()) return FromErrno(path_, errno);
  Entry entry = {};
  std::string_view text;
  for (const auto& word : words) {
    const Place& place = places_.find(word)->second;
    lines.Seek(place.offset);
    const std::string where = path_ + ", line " + std::to_string(place.line);
    if (!lines.Next(text)) return Invalid(where + ": was there before; the file changes");
    if (place.line == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    auto parsed = ParseEntry(Trimmed(text), std::size_t(dimensions_), "before it had", entry);
    if (!parsed) return Wrap(where, parsed.error());
    vectors->values.insert(vectors->values.end(), entry.numbers.begin(), entry.numbers.end());
  }
  return std::shared_ptr<const sdk::WordVectors>(std::move(vectors));
}

}  // namespace penstock::transform
