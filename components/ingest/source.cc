#include "components/ingest/source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <vector>

#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"
#include "operator/protocol/source_scheme.h"
#include "operator/remote/source.h"

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

fetch::SourceSettings SettingsOf(const DownloadLimits& limits) {
  fetch::SourceSettings settings;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const auto equals = text.find('=');
    if (equals != std::string::npos)
      settings.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  settings.max_bytes = limits.max_bytes;
  settings.flat = true;
  return settings;
}

Result<LocalFile> FetchObjects(const std::string& source, const fs::path& scratch,
                               const DownloadLimits& limits) {
  LocalFile file(scratch / "source.download", true);  // removes what came of a failure
  auto fingerprint = remote::FetchRemote(source, file.path(), SettingsOf(limits));
  if (!fingerprint) return Wrap("source " + ShownUri(source), fingerprint.error());
  file.SetFingerprint(*std::move(fingerprint));
  return file;
}

void AddState(const fs::path& path, std::string& out) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return;
  out += path.filename().string() + '\0';
  for (const auto number : {std::int64_t(s.st_dev), std::int64_t(s.st_ino), std::int64_t(s.st_size),
                            std::int64_t(s.st_mtim.tv_sec), std::int64_t(s.st_mtim.tv_nsec)})
    out += std::to_string(number) + " ";
}

}  // namespace

std::string StateOf(const fs::path& path) {
  std::string out;
  AddState(path, out);
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const auto& entry : paths) AddState(entry, out);
  return out;
}

LocalFile::~LocalFile() {
  std::error_code ignored;
  if (temporary_) fs::remove_all(path_, ignored);
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
  if (remote::IsRemoteUri(source)) return FetchObjects(source, scratch, limits);
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
  return Invalid("source: the scheme " + source.substr(0, scheme) + " is not known; there are " +
                 SourceSchemes() +
                 " (a table an input schema cannot be); a topic of Kafka is the component kafka's");
}

Result<FetchedSpans> FetchSpans(const std::string& source, const fs::path& scratch,
                                const DownloadLimits& limits) {
  LocalFile file(scratch / "source.download", true);
  auto read =
      remote::FetchRemoteSpans(source, SystemClock().Now(), file.path(), SettingsOf(limits));
  if (!read) return Wrap("source " + ShownUri(source), read.error());
  file.SetFingerprint(read->fingerprint);
  return FetchedSpans{std::move(file), *std::move(read)};
}

}  // namespace penstock::ingest
