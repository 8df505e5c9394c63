#include "operator/cli/store/bundle.h"

#include <fcntl.h>

#include <cstdio>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "operator/archive/tar_reader.h"
#include "operator/archive/tar_writer.h"
#include "operator/artifacts/manifest_reader.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIndex = "penstock-artifacts.json";
constexpr std::size_t kPiece = 1 << 20;
constexpr std::size_t kMostIndex = 16 << 20;
constexpr std::size_t kMostBlobs = 4'000'000;  // their names are held while an archive goes by

Result<void> CheckBlobs(std::size_t there_are) {
  if (there_are < kMostBlobs) return {};
  return Invalid("an archive holds at most " + std::to_string(kMostBlobs) +
                 " files: make several of fewer artifacts");
}

// kAlreadyExists where somebody has made a file of that name meanwhile; it stays as it is.
Result<void> MoveTo(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return FromErrno("writing " + to.string(), errno);
  // A file system that cannot do it at once.
  std::error_code error;
  if (fs::exists(to, error)) return FromErrno("writing " + to.string(), EEXIST);
  fs::rename(from, to, error);
  if (error) return FromErrno("writing " + to.string(), error.value());
  return {};
}

Result<void> CheckNotStopped(const std::stop_token& stop) {
  if (stop.stop_requested()) return Cancelled("interrupted");
  return {};
}

// Removes the file at its end.
class ScratchFile {
 public:
  explicit ScratchFile(fs::path path) : path_(std::move(path)) { Remove(); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { Remove(); }
  [[nodiscard]] const fs::path& path() const { return path_; }
  void Remove() const {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

 private:
  fs::path path_;
};

std::string HexOf(const std::string& digest) { return digest.substr(7); }

class Exporter {
 public:
  Exporter(artifacts::Transport& transport, fs::path scratch, std::stop_token stop)
      : transport_(transport), scratch_(std::move(scratch)), stop_(std::move(stop)) {}

  Result<Bundled> Write(std::vector<BundledArtifact> artifacts, const fs::path& to) {
    bundled_.artifacts = std::move(artifacts);
    const ScratchFile partial(scratch_ / "archive");
    out_.open(partial.path(), std::ios::binary);
    if (!out_) return FromErrno("writing " + partial.path().string(), errno);
    // What the index says is known when all was fetched, and it comes first: its room is kept.
    const std::size_t room = IndexText(std::numeric_limits<std::uint64_t>::max()).size();
    PENSTOCK_TRY(tar_.Begin(kIndex, room));
    const auto at = out_.tellp();
    PENSTOCK_TRY(tar_.Write(std::string(room, ' ')));
    for (BundledArtifact& one : bundled_.artifacts) PENSTOCK_TRY(Add(one.artifact));
    PENSTOCK_TRY(tar_.Finish());
    std::string text = IndexText({});
    text.insert(text.size() - 1, room - text.size(), ' ');
    out_.seekp(at);
    out_ << text;
    out_.close();
    if (!out_) return FromErrno("writing " + partial.path().string(), errno);
    PENSTOCK_TRY(MoveTo(partial.path(), to));
    return std::move(bundled_);
  }

 private:
  // With those bytes of each, or its own.
  [[nodiscard]] std::string IndexText(const std::optional<std::uint64_t>& bytes) const {
    Json index{{"version", 1}, {"artifacts", Json::array()}};
    for (const BundledArtifact& one : bundled_.artifacts)
      index["artifacts"].push_back({{"name", one.name},
                                    {"digest", one.artifact.digest},
                                    {"folder", !bytes && one.artifact.folder},
                                    {"bytes", bytes.value_or(one.artifact.bytes)}});
    return index.dump(1) + "\n";
  }

  Result<void> Fetch(const std::string& digest, const fs::path& to) {
    PENSTOCK_TRY(CheckNotStopped(stop_));
    return transport_.Fetch({digest, false, 0}, to);
  }

  // Finds out what the digest stands for as well, which it does not say.
  Result<void> Add(ArtifactRef& artifact) {
    if (const auto known = found_.find(artifact.digest); known != found_.end()) {
      artifact = known->second;
      return {};
    }
    const ScratchFile first(scratch_ / "first");
    PENSTOCK_TRY(Fetch(artifact.digest, first.path()));
    PENSTOCK_ASSIGN(artifact, artifacts::FileOrFolder(first.path(), artifact.digest));
    found_.emplace(artifact.digest, artifact);
    if (artifact.folder) {
      const auto read = artifacts::ReadManifestFile(
          first.path(),
          [this](artifacts::ManifestFile&& file) { return AddBlob("sha256:" + file.sha256); });
      if (!read) return read.error();
    }
    return written_.contains(artifact.digest) ? Result<void>()
                                              : AddFile(artifact.digest, first.path());
  }

  Result<void> AddBlob(const std::string& digest) {
    if (written_.contains(digest)) return {};
    const ScratchFile blob(scratch_ / "blob");
    PENSTOCK_TRY(Fetch(digest, blob.path()));
    return AddFile(digest, blob.path());
  }

  Result<void> AddFile(const std::string& digest, const fs::path& file) {
    PENSTOCK_TRY(CheckBlobs(written_.size()));
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error) return FromErrno(file.string(), error.value());
    PENSTOCK_TRY(tar_.Begin("blobs/" + HexOf(digest), size));
    std::ifstream in(file, std::ios::binary);
    std::string piece(kPiece, '\0');
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0)
      PENSTOCK_TRY(tar_.Write({piece.data(), static_cast<std::size_t>(in.gcount())}));
    written_.insert(digest);
    ++bundled_.files;
    bundled_.bytes += size;
    return {};
  }

  artifacts::Transport& transport_;
  const fs::path scratch_;
  const std::stop_token stop_;
  std::ofstream out_;
  archive::TarWriter tar_{[this](std::string_view bytes) -> Result<void> {
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return out_ ? Result<void>() : FromErrno("writing the archive", errno);
  }};
  std::set<std::string> written_;
  std::map<std::string, ArtifactRef> found_;
  Bundled bundled_;
};

class Importer {
 public:
  Importer(artifacts::Transport& transport, const fs::path& scratch, std::stop_token stop)
      : transport_(transport), blob_(scratch / "blob"), stop_(std::move(stop)) {}

  Result<Bundled> Read(const fs::path& from) {
    std::ifstream in(from, std::ios::binary);
    if (!in) return FromErrno("reading " + from.string(), errno);
    archive::TarReader reader({.begin = [this](const auto& entry) { return Begin(entry); },
                               .data = [this](std::string_view bytes) { return Data(bytes); },
                               .end = [this] { return End(); }});
    std::string piece(kPiece, '\0');
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
      PENSTOCK_TRY(CheckNotStopped(stop_));
      PENSTOCK_TRY(
          Wrapped(from, reader.Write({piece.data(), static_cast<std::size_t>(in.gcount())})));
    }
    PENSTOCK_TRY(Wrapped(from, reader.Finish()));
    PENSTOCK_TRY(Wrapped(from, CheckWhole()));
    return std::move(bundled_);
  }

 private:
  static Result<void> Wrapped(const fs::path& from, Result<void> done) {
    return done ? std::move(done) : Wrap(from.string(), done.error());
  }

  Result<void> Begin(const archive::TarEntry& entry) {
    name_ = entry.path;
    if (name_ == kIndex) {
      if (!index_.empty() || !here_.empty())
        return Invalid(name_ + " is not its first entry, and the only one of that name");
      if (entry.size > kMostIndex) return Invalid(name_ + " is larger than 16 MiB");
      return {};
    }
    if (!IsDigest("sha256:" + BlobOf(name_)) || entry.type != '0')
      return Invalid("it has an entry " + name_ + ", and is no archive of `penstock store export`");
    if (index_.empty()) return Invalid(std::string("it does not begin with ") + kIndex);
    PENSTOCK_TRY(CheckBlobs(here_.size()));
    out_ = std::ofstream(blob_.path(), std::ios::binary | std::ios::trunc);
    hash_ = Sha256();
    return out_ ? Result<void>() : FromErrno("writing " + blob_.path().string(), errno);
  }

  static std::string BlobOf(const std::string& path) {
    return path.starts_with("blobs/") ? path.substr(6) : "";
  }

  Result<void> Data(std::string_view bytes) {
    if (name_ == kIndex) {
      index_ += bytes;
      return {};
    }
    hash_.Update(bytes);
    bundled_.bytes += bytes.size();
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return out_ ? Result<void>() : FromErrno("writing " + blob_.path().string(), errno);
  }

  Result<void> End() {
    if (name_ == kIndex) return TakeIndex();
    out_.close();
    if (!out_) return FromErrno("writing " + blob_.path().string(), errno);
    const std::string digest = "sha256:" + hash_.HexDigest();
    if (digest != "sha256:" + BlobOf(name_))
      return Error{ErrorKind::kDamaged, name_ + " has other bytes than its name says"};
    PENSTOCK_TRY(CheckNotStopped(stop_));
    PENSTOCK_TRY(CheckFiles(digest));
    PENSTOCK_ASSIGN(const ArtifactRef put, transport_.Upload(blob_.path()));
    if (put.digest != digest) return Internal(name_ + " is there as " + put.digest);
    blob_.Remove();
    here_.insert(digest);
    ++bundled_.files;
    return {};
  }

  Result<void> TakeIndex() {
    PENSTOCK_ASSIGN(const Json index, ParseJson(index_, kIndex));
    if (!index.is_object() || index.value("version", Json()) != 1 ||
        !index.value("artifacts", Json()).is_array())
      return Invalid(std::string(kIndex) + " is of another version of penstock");
    for (const Json& entry : index.at("artifacts")) {
      const auto text = [&](const char* key) {
        return entry.is_object() && entry.contains(key) && entry.at(key).is_string()
                   ? entry.at(key).get<std::string>()
                   : std::string();
      };
      const std::string digest = text("digest");
      if (!IsDigest(digest))
        return Invalid(std::string(kIndex) + " names an artifact without a digest");
      bundled_.artifacts.push_back({text("name"), {digest, false, 0}});
      named_.insert(digest);
    }
    return {};
  }

  // Of an artifact that is a folder, before its manifest is put: whoever sees it sees it whole.
  Result<void> CheckFiles(const std::string& digest) {
    if (!named_.contains(digest)) return {};
    PENSTOCK_ASSIGN(const ArtifactRef what, artifacts::FileOrFolder(blob_.path(), digest));
    for (BundledArtifact& one : bundled_.artifacts)
      if (one.artifact.digest == digest) one.artifact.folder = what.folder;
    if (!what.folder) return {};
    const auto read =
        artifacts::ReadManifestFile(blob_.path(), [&](artifacts::ManifestFile&& file) {
          if (here_.contains("sha256:" + file.sha256)) return Result<void>();
          return Result<void>(
              Invalid("it lacks the file " + file.path + " of the folder " + digest));
        });
    return read ? Result<void>() : read.error();
  }

  Result<void> CheckWhole() {
    if (index_.empty()) return Invalid(std::string("it has no ") + kIndex);
    for (const std::string& digest : named_)
      if (!here_.contains(digest)) return Invalid("it lacks the blob of " + digest);
    return {};
  }

  artifacts::Transport& transport_;
  const ScratchFile blob_;
  const std::stop_token stop_;
  std::string name_, index_;
  std::ofstream out_;
  Sha256 hash_;
  std::set<std::string> named_, here_;  // digests: of artifacts, of blobs
  Bundled bundled_;
};

}  // namespace

Result<Bundled> Export(artifacts::Transport& transport, std::vector<BundledArtifact> artifacts,
                       const fs::path& to, const fs::path& scratch, const std::stop_token& stop) {
  return Exporter(transport, scratch, stop).Write(std::move(artifacts), to);
}

Result<Bundled> Import(artifacts::Transport& transport, const fs::path& from,
                       const fs::path& scratch, const std::stop_token& stop) {
  return Importer(transport, scratch, stop).Read(from);
}

}  // namespace penstock::cli
