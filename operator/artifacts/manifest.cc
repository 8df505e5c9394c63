#include "operator/artifacts/manifest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>

#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::artifacts {
namespace {

constexpr std::size_t kMaxFiles = 1'000'000;
constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxPart = 255;
constexpr std::uint64_t kMaxSize = 1ULL << 50;

bool IsHex64(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::size_t BlockCount(std::uint64_t size) {
  return size <= kBlockBytes ? 0 : (size + kBlockBytes - 1) / kBlockBytes;
}

bool IsSafePath(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath || path.find('\0') != std::string_view::npos)
    return false;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.size() > kMaxPart) return false;
    begin = end + 1;
  }
  return true;
}

Result<ManifestFile> ReadFileEntry(const Json& j, const std::string& where) {
  ManifestFile f;
  try {
    f.path = j.at("path").get<std::string>();
    if (!j.at("size").is_number_unsigned()) return Invalid(where + ".size is no whole number");
    f.size = j.at("size").get<std::uint64_t>();
    f.sha256 = j.at("sha256").get<std::string>();
    f.executable = j.value("executable", false);
    f.blocks = j.value("blocks", std::vector<std::string>{});
  } catch (const Json::exception& e) {
    return Invalid(where + " is malformed: " + e.what());
  }
  if (!IsSafePath(f.path))
    return Invalid(where + ".path '" + f.path.substr(0, 80) + "' is not allowed");
  if (f.size > kMaxSize) return Invalid(where + ".size is over 1 PiB");
  if (!IsHex64(f.sha256)) return Invalid(where + ".sha256 is not 64 hex digits");
  if (f.blocks.size() != BlockCount(f.size))
    return Invalid(where + " has " + std::to_string(f.blocks.size()) + " blocks, its size needs " +
                   std::to_string(BlockCount(f.size)));
  for (const auto& b : f.blocks)
    if (!IsHex64(b)) return Invalid(where + ".blocks holds what is not 64 hex digits");
  return f;
}

// Sorted and unique, and no file is the folder of another.
Result<void> CheckTogether(const std::vector<ManifestFile>& files) {
  std::set<std::string_view> folders;
  for (const auto& f : files)
    for (std::size_t at = f.path.find('/'); at != std::string::npos; at = f.path.find('/', at + 1))
      folders.insert(std::string_view(f.path).substr(0, at));
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0 && files[i - 1].path == files[i].path)
      return Invalid("the manifest names '" + files[i].path.substr(0, 80) + "' twice");
    if (i > 0 && files[i - 1].path > files[i].path)
      return Invalid("the manifest's files are not sorted by path");
    if (folders.count(files[i].path) != 0)
      return Invalid("the manifest has '" + files[i].path.substr(0, 80) +
                     "' as a file and a folder");
  }
  return {};
}

}  // namespace

std::uint64_t Manifest::Bytes() const {
  std::uint64_t sum = 0;
  for (const auto& f : files) sum += f.size;
  return sum;
}

std::string FormatManifest(const Manifest& m) {
  Json files = Json::array();
  for (const auto& f : m.files) {
    Json j{{"path", f.path}, {"size", f.size}, {"sha256", f.sha256}};
    if (f.executable) j["executable"] = true;
    if (!f.blocks.empty()) j["blocks"] = f.blocks;
    files.push_back(std::move(j));
  }
  return CanonicalJson(Json{{"files", std::move(files)}, {"version", 1}});
}

Result<Manifest> ParseManifest(const std::string& text) {
  if (text.size() > kMaxManifestBytes) return Invalid("the manifest is over 512 MiB");
  auto j = ParseJson(text, "the manifest");
  if (!j) return j.error();
  if (!j->is_object() || j->value("version", Json()) != Json(1))
    return Invalid("the manifest's version is not 1");
  if (!j->contains("files") || !j->at("files").is_array())
    return Invalid("the manifest has no list of files");
  const Json& files = j->at("files");
  if (files.size() > kMaxFiles) return Invalid("the manifest has more than 1,000,000 files");
  Manifest m;
  m.files.reserve(files.size());
  for (const auto& item : files) {
    auto f = ReadFileEntry(item, "manifest.files[" + std::to_string(m.files.size()) + "]");
    if (!f) return f.error();
    m.files.push_back(std::move(*f));
  }
  if (auto ok = CheckTogether(m.files); !ok) return ok.error();
  return m;
}

void BlockHasher::Update(std::string_view bytes) {
  whole_.Update(bytes);
  while (with_blocks_ && !bytes.empty()) {
    const std::uint64_t room = kBlockBytes - digest_.size % kBlockBytes;
    const std::string_view part = bytes.substr(0, std::min<std::uint64_t>(room, bytes.size()));
    block_.Update(part);
    digest_.size += part.size();
    bytes.remove_prefix(part.size());
    if (digest_.size % kBlockBytes == 0) {
      digest_.blocks.push_back(block_.HexDigest());
      block_ = Sha256();
    }
  }
  if (!with_blocks_) digest_.size += bytes.size();
}

FileDigest BlockHasher::Finish() {
  digest_.sha256 = whole_.HexDigest();
  if (digest_.size <= kBlockBytes)
    digest_.blocks.clear();
  else if (digest_.size % kBlockBytes != 0)
    digest_.blocks.push_back(block_.HexDigest());
  return std::move(digest_);
}

Result<FileDigest> DigestFile(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return FromErrno("opening " + path.string(), errno);
  struct stat st {};
  (void)::fstat(fd, &st);  // a hint for the buffer, which is no larger than a small file
  BlockHasher hasher;
  std::string chunk(std::clamp<std::size_t>(static_cast<std::size_t>(st.st_size), 4096, 1 << 20),
                    '\0');
  for (;;) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      ::close(fd);
      return FromErrno("reading " + path.string(), error);
    }
    if (n == 0) break;
    hasher.Update(std::string_view(chunk.data(), static_cast<std::size_t>(n)));
  }
  ::close(fd);
  return hasher.Finish();
}

}  // namespace penstock::artifacts
