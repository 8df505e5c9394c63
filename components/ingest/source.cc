#include "components/ingest/source.h"

#include <system_error>

#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

namespace fs = std::filesystem;

bool HasPrefix(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// "%EA%B0%80" -> the bytes; a lone % stays.
std::string PercentDecode(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<LocalFile> OpenLocal(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return NotFound(path + ": no such file");
  return LocalFile(path, false);
}

}  // namespace

LocalFile::~LocalFile() {
  std::error_code ignored;
  if (temporary_) fs::remove(path_, ignored);
}

LocalFile::LocalFile(LocalFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(other.temporary_),
      fingerprint_(std::move(other.fingerprint_)) {
  other.temporary_ = false;
}

Result<LocalFile> FetchSource(const std::string& source, const fs::path& scratch,
                              const DownloadLimits& limits) {
  if (HasPrefix(source, "http://") || HasPrefix(source, "https://")) {
    const std::string authority = source.substr(0, source.find('/', source.find("://") + 3));
    if (authority.find('@') != std::string::npos) {
      return Invalid("source: a URI with a password is refused; parameters are public");
    }
    const fs::path path = scratch / "source.download";
    auto fingerprint = Download(source, path, limits);
    LocalFile file(path, true, fingerprint ? *fingerprint : "");  // removes what came of a failure
    if (!fingerprint) return fingerprint.error();
    return file;
  }
  if (HasPrefix(source, "file://")) {
    std::string path = source.substr(7);
    if (HasPrefix(path, "localhost/")) path = path.substr(9);
    if (path.empty() || path.front() != '/') {
      return Invalid("source " + source + ": a file URI is file:///absolute/path");
    }
    return OpenLocal(PercentDecode(path));
  }
  const auto scheme = source.find("://");
  if (scheme == std::string::npos) return OpenLocal(source);
  return Invalid("source: the scheme " + source.substr(0, scheme) +
                 " is not known; there are file, http and https");
}

}  // namespace penstock::ingest
