#include "operator/archive/tar_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace penstock::archive {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kMostExtra = 1 << 20;

std::string Text(std::string_view field) { return std::string(field.substr(0, field.find('\0'))); }

// Octal digits, or GNU's base 256 with the first bit set; nothing for anything else.
std::optional<std::uint64_t> Number(std::string_view field) {
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    std::uint64_t value = static_cast<unsigned char>(field[0]) & 0x7f;
    for (const char c : field.substr(1)) {
      if (value >> 54 != 0) return std::nullopt;
      value = (value << 8) | static_cast<unsigned char>(c);
    }
    return value;
  }
  std::uint64_t value = 0;
  bool any = false;
  for (const char c : field) {
    if (c == ' ' || c == '\0') {
      if (any) break;
      continue;
    }
    if (c < '0' || c > '7' || value >> 60 != 0) return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
    any = true;
  }
  return value;
}

// The sum of all bytes, those of the sum itself as spaces.
bool SumIsRight(std::string_view header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i)
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
  return Number(header.substr(148, 8)) == sum;
}

std::string PathOf(std::string_view header) {
  std::string path = Text(header.substr(0, 100));
  if (header.substr(257, 6) != std::string_view("ustar\0", 6)) return path;  // GNU's has no prefix
  const std::string prefix = Text(header.substr(345, 155));
  return prefix.empty() ? path : prefix + "/" + path;
}

}  // namespace

Result<void> TarReader::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const std::string_view part = bytes.substr(0, std::min<std::uint64_t>(left_, bytes.size()));
      bytes.remove_prefix(part.size());
      left_ -= part.size();
      if (extra_ != 0)
        extra_text_ += part;
      else if (auto taken = events_.data(part); !taken)
        return taken;
      if (left_ > 0) return {};
    }
    if (extra_ != 0) {
      if (auto read = OnExtra(); !read) return read;
    } else if (open_) {
      open_ = false;
      if (auto ended = events_.end(); !ended) return ended;
    }
    const auto skipped = std::min<std::uint64_t>(padding_, bytes.size());
    bytes.remove_prefix(skipped);
    padding_ -= skipped;
    if (padding_ > 0 || bytes.empty()) return {};
    const std::size_t wanted = std::min(kBlock - header_.size(), bytes.size());
    header_ += bytes.substr(0, wanted);
    bytes.remove_prefix(wanted);
    if (header_.size() < kBlock) return {};
    if (auto read = OnHeader(); !read) return read;
    header_.clear();
    // An entry without content ends here, also when nothing follows.
    if (left_ == 0 && open_) {
      open_ = false;
      if (auto ended = events_.end(); !ended) return ended;
    }
  }
  return {};
}

Result<void> TarReader::OnHeader() {
  if (header_.find_first_not_of('\0') == std::string::npos) {
    ended_ = true;
    return {};
  }
  if (ended_) return {};  // what stands behind the end is nobody's
  if (!SumIsRight(header_)) return Invalid("it is no tar archive, or a damaged one");
  const std::string_view header = header_;
  std::optional<std::uint64_t> size = Number(header.substr(124, 12));
  TarEntry entry;
  entry.type = header[156] == '\0' || header[156] == '7' ? '0' : header[156];
  const bool extra =
      entry.type == 'x' || entry.type == 'L' || entry.type == 'K' || entry.type == 'g';
  if (!extra && !next_size_.empty()) {
    std::uint64_t said = 0;
    const auto r = std::from_chars(next_size_.data(), next_size_.data() + next_size_.size(), said);
    size = r.ec == std::errc{} && r.ptr == next_size_.data() + next_size_.size()
               ? std::optional(said)
               : std::nullopt;
  }
  if (!size || *size > (1ULL << 60)) return Invalid("the tar archive has an entry of no size");
  left_ = *size;
  padding_ = (kBlock - *size % kBlock) % kBlock;
  any_ = true;
  if (extra) {
    if (*size > kMostExtra) return Invalid("the tar archive says more than 1 MiB of one entry");
    extra_ = entry.type;
    extra_text_.clear();
    if (left_ == 0) return OnExtra();
    return {};
  }
  entry.path = next_path_.empty() ? PathOf(header) : next_path_;
  entry.size = *size;
  entry.executable = (Number(header.substr(100, 8)).value_or(0) & 0111) != 0;
  next_path_.clear();
  next_size_.clear();
  return Begin(std::move(entry));
}

Result<void> TarReader::Begin(TarEntry entry) {
  // Links and folders have no content, whatever their size says.
  if (entry.type == '1' || entry.type == '2') left_ = padding_ = 0;
  open_ = true;
  return events_.begin(entry);
}

Result<void> TarReader::OnExtra() {
  const char kind = std::exchange(extra_, 0);
  if (kind == 'L') next_path_ = Text(extra_text_);
  if (kind == 'x') return ReadPax(extra_text_);
  return {};  // 'K', 'g': of links, and of all entries; nothing there that is used
}

// "<length> <key>=<value>\n", the length of the whole record.
Result<void> TarReader::ReadPax(std::string_view records) {
  while (!records.empty()) {
    std::size_t length = 0;
    const auto r = std::from_chars(records.data(), records.data() + records.size(), length);
    const std::size_t digits = static_cast<std::size_t>(r.ptr - records.data());
    if (r.ec != std::errc{} || length <= digits + 1 || length > records.size())
      return Invalid("the tar archive has a damaged pax header");
    const std::string_view record = records.substr(digits + 1, length - digits - 2);
    records.remove_prefix(length);
    const auto equals = record.find('=');
    if (equals == std::string_view::npos)
      return Invalid("the tar archive has a damaged pax header");
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") next_path_ = value;
    if (key == "size") next_size_ = value;
    if (key.starts_with("GNU.sparse."))
      return Invalid("the tar archive holds a sparse file: pack it without --sparse");
  }
  return {};
}

Result<void> TarReader::Finish() const {
  if (!any_) return Invalid("the tar archive is empty");
  if (left_ > 0 || open_ || extra_ != 0 || !header_.empty())
    return Invalid("the tar archive ends before its data does");
  return {};
}

}  // namespace penstock::archive
