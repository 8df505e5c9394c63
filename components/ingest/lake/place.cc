#include "components/ingest/lake/place.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/protocol/file_uri.h"
#include "operator/s3/source.h"

namespace penstock::ingest {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostEntries = 1'000'000;  // of a folder

Error OtherSize(const std::string& name, std::uint64_t has, std::int64_t bytes) {
  return Invalid(name + " has " + std::to_string(has) + " bytes, and the table says " +
                 std::to_string(bytes) + ": somebody has written it since");
}

class FolderPlace : public Place {
 public:
  explicit FolderPlace(const std::string& path) : Place(path) {}

  Result<std::vector<PlaceEntry>> List(const std::string& folder) override {
    std::vector<PlaceEntry> entries;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(PathOf(folder), error)) {
      std::error_code gone;
      if (!entry.is_regular_file(gone)) continue;
      const auto bytes = entry.file_size(gone);
      if (!gone) entries.push_back({entry.path().filename().string(), bytes});
    }
    if (error == std::errc::no_such_file_or_directory) return entries;
    if (error) return FromErrno(Name(folder), error.value());
    return entries;
  }

  Result<std::string> Text(const std::string& path, std::uint64_t limit) override {
    return ReadFile(PathOf(path), limit);
  }

  Result<PlaceFile> Fetch(const std::string& path, std::int64_t bytes) override {
    PENSTOCK_ASSIGN(const auto size, SizeOfFile(PathOf(path)));
    if (!size) return NotFound(Name(path) + ": no such file");
    if (bytes >= 0 && *size != std::uint64_t(bytes)) return OtherSize(Name(path), *size, bytes);
    return PlaceFile(PathOf(path), false);
  }

 private:
  [[nodiscard]] fs::path PathOf(const std::string& path) const { return fs::path(root_) / path; }
};

class BucketPlace : public Place {
 public:
  BucketPlace(std::string root, std::string key, s3::SourceAsker asker, fs::path scratch,
              std::uint64_t max_bytes)
      : Place(std::move(root)),
        key_(std::move(key)),
        asker_(std::move(asker)),
        scratch_(std::move(scratch)),
        left_(max_bytes),
        max_bytes_(max_bytes) {}

  Result<std::vector<PlaceEntry>> List(const std::string& folder) override {
    std::vector<PlaceEntry> entries;
    s3::ListOptions options;
    options.prefix = KeyOf(folder) + "/";
    options.delimiter = "/";
    do {
      const auto page = asker_.client->List(options, {});
      if (!page) return s3::Explained(page.error(), asker_);
      for (const auto& object : page->objects) {
        if (object.key.size() > options.prefix.size())
          entries.push_back({object.key.substr(options.prefix.size()), object.size});
      }
      if (entries.size() > kMostEntries)
        return Invalid(Name(folder) + ": more than 1000000 files in one folder");
      options.token = page->next;
    } while (!options.token.empty());
    return entries;
  }

  Result<std::string> Text(const std::string& path, std::uint64_t limit) override {
    auto text = asker_.client->GetText(KeyOf(path), limit, {});
    if (!text) return s3::Explained(text.error(), asker_);
    return text;
  }

  Result<PlaceFile> Fetch(const std::string& path, std::int64_t bytes) override {
    PlaceFile file(scratch_ / ("lake." + std::to_string(next_++)), true);
    errno = 0;
    std::ofstream out(file.path(), std::ios::binary | std::ios::trunc);
    const auto failed = [&] {
      return FromErrno("writing " + file.path().string(), errno != 0 ? errno : EIO);
    };
    std::uint64_t got = 0;
    const auto take = [&](std::string_view piece) -> Result<void> {
      got += piece.size();
      if (piece.size() > left_)
        return Invalid("the table's files are more than maxBytes, " + std::to_string(max_bytes_));
      left_ -= piece.size();
      out.write(piece.data(), std::streamsize(piece.size()));
      return out.good() ? Result<void>() : failed();
    };
    const auto info = asker_.client->Get(KeyOf(path), {}, take, {});
    if (!info) return s3::Explained(info.error(), asker_);
    out.close();
    if (out.fail()) return failed();
    if (got != info->size)
      return Transient(Name(path) + ": " + std::to_string(got) + " of " +
                       std::to_string(info->size) + " bytes came");
    if (bytes >= 0 && got != std::uint64_t(bytes)) return OtherSize(Name(path), got, bytes);
    return file;
  }

 private:
  [[nodiscard]] std::string KeyOf(const std::string& path) const { return key_ + "/" + path; }

  const std::string key_;  // of the table's folder
  const s3::SourceAsker asker_;
  const fs::path scratch_;
  std::uint64_t left_;
  const std::uint64_t max_bytes_;
  int next_ = 0;
};

// One spelling of where a file lies: s3://... or an absolute path.
std::string Spelled(std::string uri) {
  for (const char* scheme : {"s3a://", "s3n://"})
    if (uri.starts_with(scheme)) uri = "s3://" + uri.substr(6);
  for (const char* scheme : {"file://", "file:"}) {
    if (!uri.starts_with(scheme)) continue;
    uri = uri.substr(std::string(scheme).size());
    break;
  }
  while (uri.size() > 1 && uri.ends_with('/')) uri.pop_back();
  return uri;
}

}  // namespace

PlaceFile::~PlaceFile() {
  std::error_code ignored;
  if (temporary_) fs::remove(path_, ignored);
}

PlaceFile::PlaceFile(PlaceFile&& other) noexcept
    : path_(std::move(other.path_)), temporary_(other.temporary_) {
  other.temporary_ = false;
}

Result<std::unique_ptr<Place>> Place::Open(const std::string& uri, const fs::path& scratch,
                                           std::uint64_t max_bytes) {
  if (IsFileUri(uri)) {
    PENSTOCK_ASSIGN(std::string path, PathOfFileUri(uri));
    return std::unique_ptr<Place>(std::make_unique<FolderPlace>(path));
  }
  PENSTOCK_ASSIGN(const auto parsed, s3::ParseS3Uri(uri));
  s3::SourceSettings settings;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const auto equals = text.find('=');
    if (equals != std::string::npos)
      settings.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  PENSTOCK_ASSIGN(auto asker, s3::AskerOf(parsed, settings));
  return std::unique_ptr<Place>(
      std::make_unique<BucketPlace>("s3://" + parsed.bucket + "/" + parsed.key, parsed.key,
                                    std::move(asker), scratch, max_bytes));
}

Result<std::string> Place::Within(const std::string& uri, const std::string& location) const {
  const std::string spelled = Spelled(uri);
  for (const std::string& folder : {Spelled(location), root_}) {
    if (!folder.empty() && spelled.starts_with(folder + "/"))
      return Relative(spelled.substr(folder.size() + 1));
  }
  return Invalid("the table names " + uri + ", which lies outside of its folder " +
                 (location.empty() ? root_ : location) +
                 "; only what is below it is read: write the table anew, whole, into one folder");
}

Result<std::string> Place::Relative(const std::string& path) const {
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string::npos)
      return Invalid("the table names the file '" + path + "', which is no path below its folder");
    begin = end + 1;
  }
  return path;
}

}  // namespace penstock::ingest
