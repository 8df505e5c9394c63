#include "operator/artifacts/manifest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "operator/artifacts/manifest_reader.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::artifacts {

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
  Manifest m;
  auto read = ReadManifestText(text, [&](ManifestFile&& file) -> Result<void> {
    m.files.push_back(std::move(file));
    return {};
  });
  if (!read) return read.error();
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

Result<std::string> ContentFingerprint(const std::filesystem::path& path) {
  std::error_code ec;
  if (!std::filesystem::is_directory(path, ec)) {
    auto digest = DigestFile(path);
    if (!digest) return digest.error();
    return "sha256:" + digest->sha256;
  }
  auto files = ListTree(path);
  if (!files) return files.error();
  Sha256 all;
  for (const auto& file : *files) {
    auto digest = DigestFile(path / file.path);
    if (!digest) return digest.error();
    all.Update(file.path + '\0' + digest->sha256 + '\n');
  }
  return "sha256:" + all.HexDigest();
}

}  // namespace penstock::artifacts
