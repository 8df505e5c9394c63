#include "components/ingest/sniff.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace penstock::ingest {
namespace {

using std::string_view_literals::operator""sv;

struct Magic {
  std::size_t at;
  std::string_view bytes;
  const char* name;  // "a PDF document"
  const char* advice;
};

constexpr const char* kUnpack = "unpack it first; gzip, zstd and zip are unpacked here";
constexpr const char* kExport = "export its table as CSV or Parquet";

constexpr std::array kRefused = {
    Magic{0, "PARE"sv, "an encrypted Parquet file", "write it without encryption"},
    Magic{0, "FEA1"sv, "a Feather file of version 1", "write version 2, which is an Arrow file"},
    Magic{0, "ORC"sv, "an ORC file", "write it as Parquet"},
    Magic{0, "Obj\x01"sv, "an Avro file", "write it as Parquet"},
    Magic{0, "\x89HDF\r\n"sv, "an HDF5 file", kExport},
    Magic{0, "\x93NUMPY"sv, "a NumPy array", kExport},
    Magic{0, "SQLite format 3\0"sv, "an SQLite database", kExport},
    Magic{8, "DUCK"sv, "a DuckDB database", kExport},
    Magic{0, "%PDF-"sv, "a PDF document", kExport},
    Magic{0, "{\\rtf"sv, "an RTF document", kExport},
    Magic{0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, "an old Excel workbook or Office document",
          "save the sheet as CSV"},
    Magic{0, "\x80\x04\x95"sv, "a pickle", "write it as Parquet; to load a pickle is to run it"},
    Magic{0, "\x80\x05\x95"sv, "a pickle", "write it as Parquet; to load a pickle is to run it"},
    Magic{0, "RDX2\n"sv, "an R data file", kExport},
    Magic{0, "RDX3\n"sv, "an R data file", kExport},
    Magic{0, "<stata_dta>"sv, "a Stata file", kExport},
    Magic{0, "$FL2"sv, "an SPSS file", kExport},
    Magic{0, "HEADER RECORD*******"sv, "a SAS transport file", kExport},
    Magic{0,
          "\x7F"
          "ELF"sv,
          "a program", "look at what the source gives"},
    Magic{0, "\x89PNG\r\n"sv, "a picture", "look at what the source gives"},
    Magic{0, "\xFF\xD8\xFF"sv, "a picture", "look at what the source gives"},
    Magic{0, "GIF8"sv, "a picture", "look at what the source gives"},
    Magic{0, "\x1F\x8B"sv, "packed twice (gzip within)", kUnpack},
    Magic{0, "\x28\xB5\x2F\xFD"sv, "packed twice (zstd within)", kUnpack},
    Magic{0, "PK\x03\x04"sv, "packed twice (zip within)", kUnpack},
    Magic{0, "PK\x05\x06"sv, "a zip archive without a file", "look at what the source gives"},
    Magic{0, "BZh"sv, "packed with bzip2", kUnpack},
    Magic{0,
          "\xFD"
          "7zXZ\0"sv,
          "packed with xz", kUnpack},
    Magic{0, "7z\xBC\xAF\x27\x1C"sv, "a 7z archive", kUnpack},
    Magic{0, "Rar!\x1A\x07"sv, "a RAR archive", kUnpack},
    Magic{0, "\x04\x22\x4D\x18"sv, "packed with lz4", kUnpack},
    Magic{0, "\xFF\x06\0\0sNaPpY"sv, "packed with snappy", kUnpack},
    Magic{257, "ustar"sv, "a tar archive", kUnpack},
    Magic{0, "version https://git-lfs.github.com/spec/"sv,
          "a Git LFS pointer, not the file that it stands for",
          "run git lfs pull, or name the file's own address"},
};

Error IsNot(const std::string& name, const std::string& advice) {
  return Invalid("this is " + name + ", no table that can be read; " + advice);
}

bool StartsAs(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

std::string_view SkipBlanks(std::string_view text) {
  const auto at = text.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? std::string_view() : text.substr(at);
}

// Mark-up; a heading such as <DATE>,<TIME> of a CSV is none.
Result<void> RefuseMarkup(std::string_view text) {
  for (const auto* tag : {"<!doctype html", "<html", "<head", "<body"}) {
    if (!StartsAs(text, tag)) continue;
    return IsNot("an HTML page, perhaps of a sign-in or of an error",
                 "look at what the address answers");
  }
  for (const auto* tag : {"<?xml", "<!doctype", "<svg"}) {
    if (StartsAs(text, tag)) return IsNot("an XML document", kExport);
  }
  if (StartsAs(text, "@relation")) return IsNot("an ARFF file", kExport);
  return {};
}

// JSON begins so; a CSV's heading such as {id},[x] does not.
bool BeginsAsObject(std::string_view text) {
  const auto next = SkipBlanks(text.substr(std::min<std::size_t>(text.size(), 1)));
  return text.starts_with('{') && !next.empty() && (next.front() == '"' || next.front() == '}');
}

bool BeginsAsArray(std::string_view text) {
  const auto next = SkipBlanks(text.substr(std::min<std::size_t>(text.size(), 1)));
  return text.starts_with('[') && !next.empty() &&
         std::string_view("{[\"]0123456789-").find(next.front()) != std::string_view::npos;
}

Result<Format> SniffJson(std::string_view text) {
  std::string_view line = text.substr(0, text.find('\n'));
  line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
  // A first line longer than what was looked at is judged by its reader.
  if (line.size() == text.size() || line.ends_with('}')) return Format::kJsonl;
  return IsNot("a JSON document over several lines",
               "write one object a line (JSON Lines), such as with jq -c");
}

bool LooksBinary(std::string_view head) {
  const auto odd = std::count_if(head.begin(), head.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f';
  });
  return head.find('\0') != std::string_view::npos &&
         static_cast<std::size_t>(odd) * 10 > head.size();
}

}  // namespace

const char* Name(Format format) {
  switch (format) {
    case Format::kCsv:
      return "CSV";
    case Format::kJsonl:
      return "JSON Lines";
    case Format::kParquet:
      return "Parquet";
    case Format::kArrowFile:
      return "Arrow file";
    case Format::kArrowStream:
      return "Arrow stream";
  }
  return "";
}

Result<Format> SniffFormat(std::string_view head) {
  if (head.starts_with("PAR1")) return Format::kParquet;
  if (head.starts_with("ARROW1")) return Format::kArrowFile;
  if (head.starts_with("\xFF\xFF\xFF\xFF")) return Format::kArrowStream;
  for (const Magic& magic : kRefused) {
    if (head.size() >= magic.at && head.substr(magic.at).starts_with(magic.bytes)) {
      return IsNot(magic.name, magic.advice);
    }
  }
  // UTF-16, which the reader of CSV knows by its mark.
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) return Format::kCsv;
  if (LooksBinary(head)) {
    return IsNot("binary data of a kind that is not known here", kExport);
  }
  std::string_view text = head;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text = SkipBlanks(text);
  if (auto ok = RefuseMarkup(text); !ok) return ok.error();
  if (BeginsAsArray(text)) {
    return IsNot("a JSON array", "write one object a line (JSON Lines), such as with jq -c '.[]'");
  }
  if (BeginsAsObject(text)) return SniffJson(text);
  return Format::kCsv;
}

Result<void> CheckFormat(std::string_view head, Format format) {
  const auto seen = SniffFormat(head);
  const bool is_text = format == Format::kCsv || format == Format::kJsonl;
  if (!seen) {
    // Of what is said to be text, the bytes alone do not decide: a CSV may begin with <html>.
    const bool binary = LooksBinary(head.substr(0, 1024)) || head.find('\0') != head.npos;
    return is_text && !binary ? Result<void>() : Result<void>(seen.error());
  }
  const bool arrow = (format == Format::kArrowFile || format == Format::kArrowStream) &&
                     (*seen == Format::kArrowFile || *seen == Format::kArrowStream);
  const bool both_text = is_text && (*seen == Format::kCsv || *seen == Format::kJsonl);
  if (*seen == format || arrow || both_text) return {};
  return Invalid(std::string("the bytes are not those of ") + Name(format) + " but of " +
                 Name(*seen) + "; set the parameter format to auto, or to what it is");
}

}  // namespace penstock::ingest
