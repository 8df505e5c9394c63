#include "operator/artifacts/manifest_reader.h"

#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "operator/artifacts/manifest_bytes.h"
#include "operator/artifacts/manifest_check.h"
#include "operator/artifacts/open_file.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::artifacts {
namespace {

// The parser's events, as a state machine over the one shape that a manifest has:
//   {"files": [{...}, ...], "version": 1}
// Fields that it does not know are passed over.
class Events : public Json::json_sax_t {
 public:
  Events(const EachFile& each, bool keep_blocks) : each_(each), keep_blocks_(keep_blocks) {}

  bool null() override { return Other("null"); }
  bool number_integer(number_integer_t) override { return Other("a number below 0"); }
  bool number_float(number_float_t, const string_t&) override { return Other("no whole number"); }
  bool binary(binary_t&) override { return Other("no JSON"); }

  bool boolean(bool value) override {
    if (!Is(Level::kFile, "executable")) return Other("true or false");
    file_.executable = value;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (Is(Level::kTop, "version")) {
      version_ = value;
      return version_ == 1 || Fail("the manifest's version is not 1");
    }
    if (!Is(Level::kFile, "size")) return Other("a number");
    file_.size = value;
    has_size_ = true;
    return true;
  }
  bool string(string_t& value) override {
    if (level_ == Level::kBlocks && passing_ == 0) {
      if (!IsHex64(value)) return Fail(Where() + ".blocks holds what is not 64 hex digits");
      ++blocks_;
      if (keep_blocks_) file_.blocks.push_back(std::move(value));
      return true;
    }
    if (Is(Level::kFile, "path")) {
      file_.path = std::move(value);
      return true;
    }
    if (!Is(Level::kFile, "sha256")) return Other("a text");
    file_.sha256 = std::move(value);
    return true;
  }

  bool key(string_t& value) override {
    if (passing_ == 0) key_ = std::move(value);
    return true;
  }
  bool start_object(std::size_t) override {
    if (level_ == Level::kNone) {
      level_ = Level::kTop;
      return true;
    }
    if (level_ != Level::kFiles || passing_ > 0) return Enter("an object");
    level_ = Level::kFile;
    file_ = {};
    has_size_ = false;
    blocks_ = 0;
    return true;
  }
  bool start_array(std::size_t) override {
    if (Is(Level::kTop, "files") && !has_files_) {
      level_ = Level::kFiles;
      has_files_ = true;
      return true;
    }
    if (Is(Level::kFile, "blocks") && blocks_ == 0) {
      level_ = Level::kBlocks;
      return true;
    }
    return Enter("a list");
  }
  bool end_object() override {
    if (passing_ > 0) return Leave();
    if (level_ == Level::kFile) {
      level_ = Level::kFiles;
      return TakeFile();
    }
    if (version_ != 1) return Fail("the manifest's version is not 1");
    return has_files_ || Fail("the manifest has no list of files");
  }
  bool end_array() override {
    if (passing_ > 0) return Leave();
    level_ = level_ == Level::kBlocks ? Level::kFile : Level::kTop;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    broke_off_ = !error_;
    return Fail(std::string("the manifest is not JSON: ") + e.what());
  }

  // The text was good as far as it went, and no JSON where it ended.
  [[nodiscard]] bool broke_off() const { return broke_off_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] const ManifestTotals& totals() const { return totals_; }

 private:
  enum class Level : std::uint8_t { kNone, kTop, kFiles, kFile, kBlocks };

  bool Fail(std::string message) {
    if (!error_) error_ = Invalid(std::move(message));
    return false;
  }
  [[nodiscard]] std::string Where() const {
    return "manifest.files[" + std::to_string(totals_.files) + "]";
  }
  [[nodiscard]] bool Is(Level level, std::string_view key) const {
    return level_ == level && passing_ == 0 && key_ == key;
  }
  // A value that no field of this kind takes: of an unknown field it is passed over.
  bool Other(const char* what) {
    if (passing_ > 0) return true;
    if (level_ == Level::kNone) return Fail(std::string("the manifest is ") + what);
    if (level_ == Level::kFiles) return Fail(Where() + " is " + what);
    if (level_ == Level::kBlocks) return Fail(Where() + ".blocks holds " + what);
    const bool known = level_ == Level::kTop
                           ? key_ == "version" || key_ == "files"
                           : key_ == "path" || key_ == "size" || key_ == "sha256" ||
                                 key_ == "executable" || key_ == "blocks";
    if (!known) return true;
    return Fail((level_ == Level::kTop ? std::string("manifest") : Where()) + "." + key_ + " is " +
                what);
  }
  bool Enter(const char* what) {
    if (!Other(what)) return false;
    return ++passing_ <= kMaxJsonDepth || Fail("the manifest is nested deeper than 256 levels");
  }
  bool Leave() {
    --passing_;
    return true;
  }

  bool TakeFile() {
    if (totals_.files == kMaxManifestFiles)
      return Fail("the manifest has more than 1,000,000 files");
    if (!has_size_) return Fail(Where() + ".size is missing");
    if (auto good = CheckManifestFile(file_, blocks_, Where()); !good)
      return Fail(good.error().message);
    if (auto good = order_.Take(file_.path); !good) return Fail(good.error().message);
    ++totals_.files;
    totals_.bytes += file_.size;
    if (totals_.bytes > kMaxFolderBytes)
      return Fail("the manifest's files have more than 1 EiB together");
    auto taken = each_(std::move(file_));
    if (!taken) error_ = taken.error();
    return taken.has_value();
  }

  const EachFile& each_;
  const bool keep_blocks_;
  Level level_ = Level::kNone;
  int passing_ = 0;  // lists and objects that are open inside an unknown field
  std::string key_;
  std::uint64_t version_ = 0;
  bool has_files_ = false;
  bool has_size_ = false;
  std::uint64_t blocks_ = 0;
  ManifestFile file_;
  PathOrder order_;
  ManifestTotals totals_;
  bool broke_off_ = false;
  std::optional<Error> error_;
};

Result<ManifestTotals> Read(ManifestBytes& bytes, Events& events) {
  const bool whole = Json::sax_parse(ManifestCursor(&bytes), ManifestCursor(), &events);
  if (bytes.failed()) return *bytes.failed();
  if (bytes.word_too_long()) return Invalid("the manifest has a text of more than 32 KiB");
  if (events.error()) return *events.error();
  if (!whole) return Invalid("the manifest is not JSON");
  ManifestTotals totals = events.totals();
  totals.digest = bytes.Digest();
  return totals;
}

// Hands the open file to `read`, unless it cannot be a manifest.
template <typename Reading>
auto WithFile(const std::filesystem::path& path, Reading read) -> decltype(read(0)) {
  const auto file = OpenFile::Open(path);
  if (!file) return file.error();
  if (file->size() > kMaxManifestBytes) return Invalid("the manifest is over 512 MiB");
  return read(file->fd());
}

// A manifest is canonical JSON that begins so; a file that looks like one but is none is a file.
Result<bool> BeginsAsManifest(const OpenFile& file, const std::filesystem::path& path) {
  constexpr std::string_view kBegin = "{\"files\":[";
  std::string begin(kBegin.size(), '\0');
  for (std::size_t have = 0; have < begin.size();) {
    const ssize_t n =
        ::pread(file.fd(), begin.data() + have, begin.size() - have, static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno("reading " + path.string(), errno);
    if (n == 0) return false;
    have += static_cast<std::size_t>(n);
  }
  return begin == kBegin;
}

}  // namespace

Result<ManifestTotals> ReadManifestText(std::string_view text, const EachFile& each) {
  if (text.size() > kMaxManifestBytes) return Invalid("the manifest is over 512 MiB");
  ManifestBytes bytes(text);
  Events events(each, true);
  return Read(bytes, events);
}

Result<ManifestTotals> ReadManifestFile(const std::filesystem::path& path, const EachFile& each) {
  return WithFile(path, [&](int fd) {
    ManifestBytes bytes(fd, kMaxManifestBytes);
    Events events(each, false);
    return Read(bytes, events);
  });
}

Result<ArtifactRef> FileOrFolder(const std::filesystem::path& blob, const std::string& digest) {
  const auto file = OpenFile::Open(blob);
  if (!file) return file.error();
  ArtifactRef artifact{digest, false, file->size()};
  if (file->size() > kMaxManifestBytes) return artifact;
  const auto begins = BeginsAsManifest(*file, blob);
  if (!begins) return begins.error();
  if (!*begins) return artifact;
  const EachFile each = [](ManifestFile&&) -> Result<void> { return {}; };
  ManifestBytes bytes(file->fd(), kMaxManifestBytes);
  Events events(each, false);
  const auto read = Read(bytes, events);
  if (!read && read.error().kind == ErrorKind::kInvalid) return artifact;
  if (!read) return read.error();
  if (read->digest != digest) return artifact;
  artifact.folder = true;
  artifact.bytes = read->bytes;
  return artifact;
}

Result<void> CheckManifestHead(const std::filesystem::path& path) {
  const EachFile each = [](ManifestFile&&) -> Result<void> { return {}; };
  return WithFile(path, [&](int fd) -> Result<void> {
    ManifestBytes bytes(fd, kManifestPiece);
    Events events(each, false);
    auto read = Read(bytes, events);
    // What broke off only because no more of it was read is good so far.
    if (read || (bytes.cut() && events.broke_off())) return {};
    return read.error();
  });
}

}  // namespace penstock::artifacts
