#include "components/ingest/lake/deletion_vector.h"

#include <zlib.h>

#include <array>

#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

constexpr std::uint32_t kMagic = 1681511377;
constexpr std::uint32_t kPlainCookie = 12346;  // Roaring's own: no runs
constexpr std::uint32_t kRunCookie = 12347;
constexpr std::size_t kRunsWithOffsets = 4;  // containers, from which on a set with runs has them
constexpr std::size_t kBitmapBytes = 8192;
constexpr std::size_t kInContainer = 65'536;
constexpr std::size_t kMostInList = 4096;        // numbers of a container that is none of bits
constexpr std::size_t kMostNumbers = 1UL << 27;  // a GiB of them

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  // Little-endian.
  template <typename T>
  Result<T> Number() {
    PENSTOCK_ASSIGN(const auto piece, Bytes(sizeof(T)));
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(piece[i])) << (8 * i));
    return value;
  }
  Result<std::string_view> Bytes(std::size_t size) {
    if (size > bytes_.size() - at_) return Invalid("a deletion vector ends within its numbers");
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  [[nodiscard]] bool ended() const { return at_ == bytes_.size(); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

struct Container {
  std::uint16_t high = 0;  // bits of its numbers
  std::size_t count = 0;
  bool runs = false;
};

class Parser {
 public:
  explicit Parser(std::string_view bytes) : reader_(bytes) {}

  Result<std::vector<std::int64_t>> Parse() {
    PENSTOCK_ASSIGN(const auto magic, reader_.Number<std::uint32_t>());
    if (magic != kMagic)
      return Invalid("a deletion vector begins with " + std::to_string(magic) + ", and not with " +
                     std::to_string(kMagic) + ": it is of a format that is not known here");
    PENSTOCK_ASSIGN(const auto sets, reader_.Number<std::uint64_t>());
    for (std::uint64_t i = 0; i < sets; ++i) {
      PENSTOCK_ASSIGN(const auto high, reader_.Number<std::uint32_t>());
      if (high > 0x7FFFFFFF) return Invalid("a deletion vector holds a negative row");
      PENSTOCK_TRY(ParseSet(std::int64_t(high) << 32));
    }
    if (!reader_.ended()) return Invalid("a deletion vector has bytes behind its end");
    for (std::size_t i = 1; i < numbers_.size(); ++i)
      if (numbers_[i] <= numbers_[i - 1]) return Invalid("a deletion vector is not in order");
    return std::move(numbers_);
  }

 private:
  Result<void> ParseSet(std::int64_t base) {
    PENSTOCK_ASSIGN(const auto containers, ParseHead());
    for (const auto& container : containers) {
      const std::int64_t from = base + (std::int64_t(container.high) << 16);
      if (container.runs) {
        PENSTOCK_TRY(ParseRuns(from));
      } else if (container.count <= kMostInList) {
        PENSTOCK_TRY(ParseList(from, container.count));
      } else {
        PENSTOCK_TRY(ParseBits(from));
      }
      if (numbers_.size() > kMostNumbers)
        return Invalid("a deletion vector holds more than " + std::to_string(kMostNumbers) +
                       " rows");
    }
    return {};
  }

  Result<std::vector<Container>> ParseHead() {
    PENSTOCK_ASSIGN(const auto cookie, reader_.Number<std::uint32_t>());
    const bool runs = (cookie & 0xFFFFU) == kRunCookie;
    std::size_t count = (cookie >> 16U) + 1;
    std::string_view which;
    if (runs) {
      PENSTOCK_ASSIGN(which, reader_.Bytes((count + 7) / 8));
    } else if (cookie == kPlainCookie) {
      PENSTOCK_ASSIGN(count, reader_.Number<std::uint32_t>());
    } else {
      return Invalid("a deletion vector holds no Roaring set where one should be");
    }
    if (count > 65'536) return Invalid("a deletion vector has a set of too many containers");
    std::vector<Container> containers(count);
    for (std::size_t i = 0; i < count; ++i) {
      PENSTOCK_ASSIGN(containers[i].high, reader_.Number<std::uint16_t>());
      PENSTOCK_ASSIGN(const auto last, reader_.Number<std::uint16_t>());
      containers[i].count = std::size_t(last) + 1;
      containers[i].runs =
          runs && ((static_cast<unsigned char>(which[i / 8]) >> (i % 8)) & 1U) != 0;
    }
    if (!runs || count >= kRunsWithOffsets) {
      PENSTOCK_TRY(reader_.Bytes(4 * count));  // where each is: one behind the other
    }
    return containers;
  }

  Result<void> ParseRuns(std::int64_t from) {
    PENSTOCK_ASSIGN(const auto runs, reader_.Number<std::uint16_t>());
    const std::size_t before = numbers_.size();
    for (int i = 0; i < runs; ++i) {
      PENSTOCK_ASSIGN(const auto first, reader_.Number<std::uint16_t>());
      PENSTOCK_ASSIGN(const auto more, reader_.Number<std::uint16_t>());
      for (std::int64_t n = 0; n <= more; ++n) numbers_.push_back(from + first + n);
      if (numbers_.size() - before > kInContainer)
        return Invalid("a deletion vector has runs that are one over the other");
    }
    return {};
  }

  Result<void> ParseList(std::int64_t from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      PENSTOCK_ASSIGN(const auto low, reader_.Number<std::uint16_t>());
      numbers_.push_back(from + low);
    }
    return {};
  }

  Result<void> ParseBits(std::int64_t from) {
    PENSTOCK_ASSIGN(const auto bits, reader_.Bytes(kBitmapBytes));
    for (std::size_t i = 0; i < kBitmapBytes * 8; ++i)
      if (((static_cast<unsigned char>(bits[i / 8]) >> (i % 8)) & 1U) != 0)
        numbers_.push_back(from + std::int64_t(i));
    return {};
  }

  Reader reader_;
  std::vector<std::int64_t> numbers_;
};

std::uint32_t BigEndian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

Result<std::vector<std::int64_t>> ParseDeletionVector(std::string_view bytes) {
  return Parser(bytes).Parse();
}

Result<std::vector<std::int64_t>> DeletionVectorAt(std::string_view file, std::uint64_t offset) {
  if (file.empty() || file[0] != 1)
    return Invalid("a file of deletion vectors of a version that is not known here");
  if (offset > file.size() || file.size() - offset < 8)
    return Invalid("a file of deletion vectors ends before byte " + std::to_string(offset));
  const std::string_view rest = file.substr(offset);
  const std::uint64_t size = BigEndian(rest);
  if (size > rest.size() - 8) return Invalid("a deletion vector ends before its length");
  const std::string_view bytes = rest.substr(4, size);
  const auto crc =
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(size));
  if (crc != BigEndian(rest.substr(4 + size)))
    return Invalid("a deletion vector is damaged: its checksum is another");
  return ParseDeletionVector(bytes);
}

Result<std::string> DecodeZ85(std::string_view text) {
  constexpr std::string_view kDigits =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  if (text.size() % 5 != 0) return Invalid("is no text in Z85: its length is no multiple of 5");
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 5) {
    std::uint64_t value = 0;
    for (const char c : text.substr(i, 5)) {
      const auto digit = kDigits.find(c);
      if (digit == std::string_view::npos) return Invalid("is no text in Z85");
      value = value * 85 + digit;
    }
    if (value > UINT32_MAX) return Invalid("is no text in Z85");
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> unsigned(shift));
  }
  return out;
}

}  // namespace penstock::ingest
