#include "components/ingest/files.h"

#include <algorithm>
#include <cctype>

#include "components/sdk/schema.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

namespace fs = std::filesystem;

Result<std::vector<fs::path>> PathsIn(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name == "_delta_log") {
      return Invalid(
          "is a Delta table, some of whose files may hold rows of its past: read it as "
          "delta+file://" +
          fs::absolute(folder).string());
    }
    if (name.starts_with('.') || name.starts_with('_') || name == sdk::kSchemaYaml) continue;
    if (entry.is_directory()) {
      return Invalid(name +
                     ": a folder within the folder; partitions by folder are not read: name "
                     "one of them, or write the files into one folder with the column in "
                     "them");
    }
    paths.push_back(entry.path());
  }
  if (error) return FromErrno(folder.string(), error.value());
  if (paths.empty()) return Invalid("the folder holds no file of a table");
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<std::vector<fs::path>> PathsBelow(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error))
    if (at->is_regular_file()) paths.push_back(at->path());
  if (error) return FromErrno(folder.string(), error.value());
  // As keys, and not part by part: a-b stands before a/b.
  std::sort(paths.begin(), paths.end(),
            [](const auto& a, const auto& b) { return a.native() < b.native(); });
  return paths;
}

bool IsWide(const std::string& encoding) {
  std::string name = encoding.substr(0, 3);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name == "ucs" || (name == "utf" && encoding.find('8') == std::string::npos &&
                           encoding.find('7') == std::string::npos);
}

// The first bytes as what they are looked at: text of two or four bytes a character, as it was told
// or by its mark, as UTF-8.
Result<std::string> HeadOf(SourceFile& file, const ReadingOptions& options) {
  PENSTOCK_ASSIGN(const auto stream, OpenUnpacked(file.path, options.max_bytes));
  PENSTOCK_ASSIGN(std::string head, ReadHead(*stream, kSniffBytes));
  file.encoding = options.encoding;
  if (file.encoding == "auto" && head.starts_with("\xFF\xFE")) file.encoding = "utf-16le";
  if (file.encoding == "auto" && head.starts_with("\xFE\xFF")) file.encoding = "utf-16be";
  const auto seen = SniffFormat(head);
  const bool text = !seen || *seen == Format::kCsv || *seen == Format::kJsonl;
  if (!text || !IsWide(file.encoding)) return head;
  PENSTOCK_ASSIGN(const auto decoded, OpenText(file.path, file.encoding, options.max_bytes));
  return ReadHead(*decoded, kSniffBytes);
}

Result<SourceFile> LookAt(const fs::path& path, const ReadingOptions& options) {
  SourceFile file{.path = path, .name = path.filename().string()};
  PENSTOCK_ASSIGN(file.packing, PackingOf(path));
  PENSTOCK_ASSIGN(const std::string head, HeadOf(file, options));
  if (options.format) {
    PENSTOCK_TRY(CheckFormat(head, *options.format));
    file.format = *options.format;
    // Said to be Arrow: of its two forms the bytes tell.
    if (file.format == Format::kArrowFile && !head.starts_with("ARROW1")) {
      file.format = Format::kArrowStream;
    }
    return file;
  }
  PENSTOCK_ASSIGN(file.format, SniffFormat(head));
  return file;
}

// Makes the temporary file of a packed part outlive the part.
class UnpackedPart : public Part {
 public:
  UnpackedPart(LocalFile file, std::unique_ptr<Part> part)
      : file_(std::move(file)), part_(std::move(part)) {}
  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const override {
    return part_->schema();
  }
  Result<void> Choose(const std::vector<std::string>& columns) override {
    return part_->Choose(columns);
  }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override { return part_->Next(); }

 private:
  LocalFile file_;
  std::unique_ptr<Part> part_;
};

Result<std::unique_ptr<Part>> OpenBinary(const fs::path& path, Format format) {
  switch (format) {
    case Format::kParquet:
      return OpenParquet(path);
    case Format::kArrowFile:
      return OpenArrowFile(path);
    case Format::kArrowStream:
      return OpenArrowStream(path);
    default:
      return Internal(path.string() + ": is text");
  }
}

}  // namespace

Result<std::vector<SourceFile>> ListFiles(const fs::path& source, const ReadingOptions& options) {
  std::vector<fs::path> paths = {source};
  const bool folder = fs::is_directory(source);
  if (folder) {
    PENSTOCK_ASSIGN(paths, options.folders ? PathsBelow(source) : PathsIn(source));
  }
  std::vector<SourceFile> files;
  for (const auto& path : paths) {
    auto file = LookAt(path, options);
    const std::string within = path.lexically_relative(source).string();
    if (!file) return folder ? Wrap(within, file.error()) : file.error();
    if (folder) file->name = within;
    if (!files.empty() && files.front().format != file->format) {
      return Invalid("the parts are of two formats: " + files.front().name + " is " +
                     Name(files.front().format) + ", " + file->name + " is " + Name(file->format));
    }
    files.push_back(std::move(*file));
  }
  return files;
}

Result<std::unique_ptr<Part>> OpenPart(const SourceFile& file, const fs::path& scratch,
                                       const ReadingOptions& options) {
  if (file.format == Format::kJsonl) {
    const std::string encoding = file.encoding == "auto" ? "" : file.encoding;
    return OpenJsonl([=, max = options.max_bytes] { return OpenText(file.path, encoding, max); },
                     options.texts);
  }
  if (file.packing == Packing::kNone) return OpenBinary(file.path, file.format);
  LocalFile unpacked(scratch / ("unpacked." + file.path.filename().string()), true);
  PENSTOCK_ASSIGN(const auto stream, OpenUnpacked(file.path, options.max_bytes));
  PENSTOCK_TRY(CopyToFile(*stream, unpacked.path()));
  PENSTOCK_ASSIGN(auto part, OpenBinary(unpacked.path(), file.format));
  return std::unique_ptr<Part>(
      std::make_unique<UnpackedPart>(std::move(unpacked), std::move(part)));
}

}  // namespace penstock::ingest
