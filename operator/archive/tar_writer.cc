#include "operator/archive/tar_writer.h"

#include <cstdio>

#include "operator/base/try.h"

namespace penstock::archive {
namespace {

constexpr std::size_t kTarBlock = 512;
constexpr std::uint64_t kMostOctal = (1ULL << 33) - 1;  // eleven digits

void PutOctal(std::string& header, std::size_t at, int digits, std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*llo", digits, static_cast<unsigned long long>(value));
  header.replace(at, static_cast<std::size_t>(digits), text);
}

// "24 size=8589934592\n": the length counts itself.
std::string PaxRecord(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  std::size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return std::to_string(length) + rest;
}

}  // namespace

Result<void> TarWriter::Begin(const std::string& path, std::uint64_t size) {
  if (left_ > 0) return Invalid("a file of the archive has fewer bytes than were said");
  if (path.empty() || path.size() > 100) return Invalid("no path of a tar archive: " + path);
  PENSTOCK_TRY(Pad(size_));
  if (size > kMostOctal) {
    const std::string record = PaxRecord("size", std::to_string(size));
    PENSTOCK_TRY(Header("pax", 'x', record.size()));
    PENSTOCK_TRY(out_(record));
    PENSTOCK_TRY(Pad(record.size()));
  }
  PENSTOCK_TRY(Header(path, '0', size > kMostOctal ? kMostOctal : size));
  left_ = size_ = size;
  return {};
}

Result<void> TarWriter::Write(std::string_view bytes) {
  if (bytes.size() > left_) return Invalid("a file of the archive has more bytes than were said");
  left_ -= bytes.size();
  return out_(bytes);
}

Result<void> TarWriter::Finish() {
  if (left_ > 0) return Invalid("a file of the archive has fewer bytes than were said");
  PENSTOCK_TRY(Pad(size_));
  size_ = 0;
  return out_(std::string(2 * kTarBlock, '\0'));
}

Result<void> TarWriter::Header(const std::string& path, char type, std::uint64_t size) {
  std::string header(kTarBlock, '\0');
  header.replace(0, path.size(), path);
  PutOctal(header, 100, 7, 0644);
  PutOctal(header, 108, 7, 0);
  PutOctal(header, 116, 7, 0);
  PutOctal(header, 124, 11, size);
  PutOctal(header, 136, 11, 0);
  header.replace(148, 8, "        ");
  header[156] = type;
  header.replace(257, 6, std::string_view("ustar\0", 6));
  header.replace(263, 2, "00");
  std::uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  PutOctal(header, 148, 6, sum);
  header[154] = '\0';
  return out_(header);
}

Result<void> TarWriter::Pad(std::uint64_t written) {
  const std::size_t over = written % kTarBlock;
  return over == 0 ? Result<void>() : out_(std::string(kTarBlock - over, '\0'));
}

}  // namespace penstock::archive
