// Reads one member of a zip archive (PKWARE APPNOTE 6.3: sections 4.3.7, 4.3.12, 4.3.16; the 64-bit
// extra field of 4.5.3).
#include <arrow/io/file.h>
#include <zlib.h>

#include <algorithm>
#include <vector>

#include "components/ingest/stream.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/try.h"

namespace penstock::ingest {
namespace {

using sdk::FromArrow;

constexpr std::int64_t kReadBytes = 256 * 1024;
constexpr std::int64_t kMaxDirectory = 16 << 20;

struct Member {
  std::string name;
  int method = 0;  // 0 stored, 8 deflated
  std::uint32_t crc = 0;
  std::uint64_t packed = 0;
  std::uint64_t size = 0;
  std::uint64_t header = 0;  // offset of the local header
};

// Little-endian; bytes beyond the end count as 0. Not inlined, because GCC 12 then warns wrongly of
// the unused part of a short string.
[[gnu::noinline]] std::uint64_t Little(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) {
    value |= std::uint64_t(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return value;
}

// Fields of 2^32 - 1 stand in the extra field, in this order, 8 bytes each.
void ReadZip64(const std::string& extra, Member& m) {
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const auto id = Little(extra, at, 2);
    const auto size = Little(extra, at + 2, 2);
    std::size_t field = at + 4;
    if (id == 1) {
      for (std::uint64_t* value : {&m.size, &m.packed, &m.header}) {
        if (*value != 0xFFFFFFFF) continue;
        *value = Little(extra, field, 8);
        field += 8;
      }
    }
    at += 4 + size;
  }
}

std::vector<Member> ReadDirectory(const std::string& bytes) {
  std::vector<Member> members;
  for (std::size_t at = 0; at + 46 <= bytes.size() && Little(bytes, at, 4) == 0x02014B50;) {
    const auto name_size = Little(bytes, at + 28, 2);
    const auto extra_size = Little(bytes, at + 30, 2);
    Member m;
    // Bit 0 of the flags: encrypted.
    m.method = (Little(bytes, at + 8, 2) & 1) != 0 ? -1 : int(Little(bytes, at + 10, 2));
    m.crc = std::uint32_t(Little(bytes, at + 16, 4));
    m.packed = Little(bytes, at + 20, 4);
    m.size = Little(bytes, at + 24, 4);
    m.header = Little(bytes, at + 42, 4);
    m.name = bytes.substr(at + 46, name_size);
    ReadZip64(bytes.substr(std::min(bytes.size(), at + 46 + name_size), extra_size), m);
    const bool folder = !m.name.empty() && m.name.back() == '/';
    const bool mac_metadata = m.name.compare(0, 9, "__MACOSX/") == 0;
    if (!folder && !mac_metadata) members.push_back(m);
    at += 46 + name_size + extra_size + Little(bytes, at + 32, 2);
  }
  return members;
}

class ZipStream : public FilterStream {
 public:
  ZipStream(std::shared_ptr<arrow::io::ReadableFile> file, Member member, std::int64_t begin)
      : file_(std::move(file)), member_(std::move(member)), at_(begin), left_(member_.packed) {
    inflating_ = member_.method == 8 && ::inflateInit2(&z_, -MAX_WBITS) == Z_OK;
  }
  ~ZipStream() override {
    if (inflating_) ::inflateEnd(&z_);
  }

 protected:
  arrow::Status Fill(std::string& out) override {
    const std::size_t before = out.size();
    while (out.size() == before && !ended_) {
      if (z_.avail_in == 0 && left_ > 0) ARROW_RETURN_NOT_OK(ReadMore());
      ARROW_RETURN_NOT_OK(member_.method == 8 ? Inflate(out) : Copy(out));
    }
    crc_ = std::uint32_t(::crc32(crc_, reinterpret_cast<const Bytef*>(out.data()) + before,
                                 uInt(out.size() - before)));
    produced_ += out.size() - before;
    if (ended_ && out.size() == before && (produced_ != member_.size || crc_ != member_.crc)) {
      return Damaged();
    }
    return arrow::Status::OK();
  }

 private:
  [[nodiscard]] arrow::Status Damaged() const {
    return arrow::Status::Invalid("the zip archive is damaged (", member_.name, ")");
  }

  arrow::Status ReadMore() {
    const auto size = std::int64_t(std::min<std::uint64_t>(left_, std::uint64_t(kReadBytes)));
    ARROW_ASSIGN_OR_RAISE(chunk_, file_->ReadAt(at_, size));
    if (chunk_->size() == 0) return Damaged();
    at_ += chunk_->size();
    left_ -= std::uint64_t(chunk_->size());
    z_.next_in = const_cast<Bytef*>(chunk_->data());
    z_.avail_in = uInt(chunk_->size());
    return arrow::Status::OK();
  }

  arrow::Status Copy(std::string& out) {
    out.append(reinterpret_cast<const char*>(z_.next_in), z_.avail_in);
    z_.avail_in = 0;
    ended_ = left_ == 0;
    return arrow::Status::OK();
  }

  arrow::Status Inflate(std::string& out) {
    char unpacked[256 * 1024];
    z_.next_out = reinterpret_cast<Bytef*>(unpacked);
    z_.avail_out = sizeof unpacked;
    const int result = inflating_ ? ::inflate(&z_, Z_NO_FLUSH) : Z_MEM_ERROR;
    if (result != Z_OK && result != Z_STREAM_END) return Damaged();
    out.append(unpacked, sizeof unpacked - z_.avail_out);
    ended_ = result == Z_STREAM_END;
    return arrow::Status::OK();
  }

  std::shared_ptr<arrow::io::ReadableFile> file_;
  Member member_;
  std::int64_t at_;
  std::uint64_t left_;
  std::shared_ptr<arrow::Buffer> chunk_;
  z_stream z_{};
  bool inflating_ = false;
  bool ended_ = false;
  std::uint32_t crc_ = 0;
  std::uint64_t produced_ = 0;
};

Result<std::string> ReadAt(arrow::io::ReadableFile& file, std::int64_t at, std::int64_t size,
                           const std::string& path) {
  PENSTOCK_ASSIGN(const auto buffer, FromArrow(file.ReadAt(at, size), path));
  return buffer->ToString();
}

// The end record stands in the last 64 KiB and 22 bytes.
Result<std::vector<Member>> ListMembers(arrow::io::ReadableFile& file, const std::string& path) {
  PENSTOCK_ASSIGN(const std::int64_t size, FromArrow(file.GetSize(), path));
  const std::int64_t tail_size = std::min<std::int64_t>(size, 65'557);
  PENSTOCK_ASSIGN(const auto tail, ReadAt(file, size - tail_size, tail_size, path));
  const auto end = tail.rfind("PK\x05\x06");
  if (end == std::string::npos) return Invalid(path + ": the zip archive has no end");
  auto directory_size = std::int64_t(Little(tail, end + 12, 4));
  auto directory = std::int64_t(Little(tail, end + 16, 4));
  const auto zip64 = tail.rfind("PK\x06\x06");
  if (directory == 0xFFFFFFFF && zip64 != std::string::npos) {
    directory_size = std::int64_t(Little(tail, zip64 + 40, 8));
    directory = std::int64_t(Little(tail, zip64 + 48, 8));
  }
  if (directory < 0 || directory_size < 0 || directory_size > kMaxDirectory ||
      directory > size - directory_size) {
    return Invalid(path + ": the zip archive's directory is damaged");
  }
  PENSTOCK_ASSIGN(const auto bytes, ReadAt(file, directory, directory_size, path));
  return ReadDirectory(bytes);
}

}  // namespace

Result<std::shared_ptr<arrow::io::InputStream>> OpenZip(const std::filesystem::path& path) {
  const std::string name = path.string();
  PENSTOCK_ASSIGN(auto file, FromArrow(arrow::io::ReadableFile::Open(name), name));
  PENSTOCK_ASSIGN(const auto members, ListMembers(*file, name));
  if (members.size() != 1) {
    return Invalid(name + ": a zip archive must hold one file, this one holds " +
                   std::to_string(members.size()));
  }
  const Member& m = members.front();
  if (m.method == -1) return Invalid(name + ": the zip archive is encrypted");
  if (m.method != 0 && m.method != 8) {
    return Invalid(name + ": packed by method " + std::to_string(m.method) +
                   "; only deflate is known here");
  }
  PENSTOCK_ASSIGN(const auto header, ReadAt(*file, std::int64_t(m.header), 30, name));
  if (Little(header, 0, 4) != 0x04034B50) return Invalid(name + ": the zip archive is damaged");
  const auto begin = m.header + 30 + Little(header, 26, 2) + Little(header, 28, 2);
  return std::shared_ptr<arrow::io::InputStream>(
      std::make_shared<ZipStream>(std::move(file), m, std::int64_t(begin)));
}

}  // namespace penstock::ingest
