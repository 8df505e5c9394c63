// The files of a source: what each is, and where it lies unpacked. A folder is one table in several
// parts.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/ingest/parts/part.h"
#include "components/ingest/sniff.h"
#include "components/ingest/source.h"
#include "components/ingest/stream.h"

namespace penstock::ingest {

struct ReadingOptions {
  std::optional<Format> format;  // else by the bytes
  std::string encoding;          // of text
  std::set<std::string> texts;   // JSON Lines: columns that are text
  std::uint64_t max_bytes = 0;
  bool folders = false;  // those within are read too, and every name counts
};

struct SourceFile {
  std::filesystem::path path;
  std::string name;  // within the source
  Format format = Format::kCsv;
  Packing packing = Packing::kNone;
  std::string encoding = {};  // of text: what was told, else by a mark of UTF-16, else auto
};

// The files in the order of their names, all of one format. Names that begin with . or _ do not
// count (_SUCCESS, .crc), nor does a dataset's _schema.yaml. Invalid names what is otherwise: a
// folder within (partitions by folder are not read), another format, no file at all.
// With options.folders there are folders within, and each file counts.
[[nodiscard]] Result<std::vector<SourceFile>> ListFiles(const std::filesystem::path& source,
                                                        const ReadingOptions& options);

// Opens a file that is no CSV. What is packed and needs to be read from its end lies in `scratch`
// meanwhile.
[[nodiscard]] Result<std::unique_ptr<Part>> OpenPart(const SourceFile& file,
                                                     const std::filesystem::path& scratch,
                                                     const ReadingOptions& options);

}  // namespace penstock::ingest
