// Reads one member of a zip archive, by libarchive.
#include <archive.h>
#include <archive_entry.h>

#include "components/ingest/stream.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kShownMembers = 10;

struct FreeArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};
using Archive = std::unique_ptr<archive, FreeArchive>;

std::string LastError(archive* zip) {
  const char* text = archive_error_string(zip);
  return text == nullptr ? "" : std::string(": ") + text;
}

Result<Archive> Open(const std::string& path) {
  Archive zip(archive_read_new());
  archive_read_support_format_zip_seekable(zip.get());  // by its directory, not as it comes
  if (archive_read_open_filename(zip.get(), path.c_str(), kPieceBytes) != ARCHIVE_OK) {
    return Invalid(path + ": the zip archive has no end, or its directory is damaged");
  }
  return zip;
}

std::string NameOf(archive_entry* entry) {
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  return name == nullptr ? "" : name;  // of no known character set
}

// Of the operating system that packed it: no data.
bool IsSystems(const std::string& path) {
  if (path.starts_with("__MACOSX/")) return true;
  const std::string file = path.substr(path.rfind('/') + 1);
  return file == ".DS_Store" || file == "Thumbs.db" || file == "desktop.ini" ||
         file.starts_with("._");
}

// Goes on to the next file, past folders and what operating systems add; null after the last.
Result<archive_entry*> NextFile(archive* zip, const std::string& path) {
  archive_entry* entry = nullptr;
  for (;;) {
    const int result = archive_read_next_header(zip, &entry);
    if (result == ARCHIVE_EOF) return nullptr;
    // A warning: the locale cannot show the name.
    if (result < ARCHIVE_WARN) {
      return Invalid(path + ": the zip archive is damaged" + LastError(zip));
    }
    const std::string name = NameOf(entry);
    if (!name.ends_with('/') && !IsSystems(name)) return entry;
  }
}

// An archive of one data file; else what it is instead.
Result<void> CheckMembers(const std::string& path) {
  PENSTOCK_ASSIGN(const Archive zip, Open(path));
  std::string names;
  std::size_t count = 0;
  for (;; ++count) {
    PENSTOCK_ASSIGN(archive_entry * entry, NextFile(zip.get(), path));
    if (entry == nullptr) break;
    const std::string name = NameOf(entry);
    if (name == "[Content_Types].xml" || name == "mimetype") {
      return Invalid(path +
                     ": this is a workbook or document of an office program, no table that " +
                     "can be read; save the sheet as CSV");
    }
    if (count < kShownMembers) names += (count == 0 ? "'" : ", '") + plan::Shown(name, 80) + "'";
    if (count == kShownMembers) names += ", ...";
  }
  if (count == 1) return {};
  return Invalid(path + ": a zip archive must hold one file, this one holds " +
                 std::to_string(count) + (count == 0 ? "" : ": " + names) +
                 "; pack the table alone");
}

// How libarchive calls the way in which the entry at hand is packed: the word in parentheses of a
// text such as "ZIP 2.0 (deflation)". Nothing else tells it; a test fails when the words change.
std::string Method(archive* zip) {
  const std::string text = archive_format_name(zip);
  const std::size_t begin = text.find('(') + 1;
  return text.substr(begin, text.rfind(')') - begin);
}

class ZipStream : public FilterStream {
 public:
  ZipStream(Archive zip, std::string name) : zip_(std::move(zip)), name_(std::move(name)) {}

 protected:
  // The checksum and the size are libarchive's to check, at the end.
  arrow::Status Fill(std::string& out) override {
    const std::size_t before = out.size();
    out.resize(before + kPieceBytes);
    const la_ssize_t count = archive_read_data(zip_.get(), out.data() + before, kPieceBytes);
    out.resize(before + static_cast<std::size_t>(std::max<la_ssize_t>(count, 0)));
    if (count >= 0) return arrow::Status::OK();
    return arrow::Status::Invalid("the zip archive is damaged (", name_, ")",
                                  LastError(zip_.get()));
  }

 private:
  Archive zip_;
  std::string name_;
};

}  // namespace

Result<std::shared_ptr<arrow::io::InputStream>> OpenZip(const std::filesystem::path& path) {
  const std::string name = path.string();
  PENSTOCK_TRY(CheckMembers(name));
  PENSTOCK_ASSIGN(Archive zip, Open(name));
  PENSTOCK_ASSIGN(archive_entry * entry, NextFile(zip.get(), name));
  // libarchive reads a link as an empty file.
  if (archive_entry_filetype(entry) == AE_IFLNK) {
    return Invalid(name + ": the zip archive holds a link, not the file that it leads to");
  }
  if (archive_entry_is_encrypted(entry) != 0) {
    return Invalid(name + ": the zip archive is encrypted");
  }
  if (const std::string method = Method(zip.get());
      method != "deflation" && method != "uncompressed") {
    return Invalid(name + ": packed by method " + method + "; only deflate is known here");
  }
  std::string member = NameOf(entry);
  return std::shared_ptr<arrow::io::InputStream>(
      std::make_shared<ZipStream>(std::move(zip), std::move(member)));
}

}  // namespace penstock::ingest
