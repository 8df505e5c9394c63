// Spans of time in a store (protocol/span_uri.h): which objects they are, and these as a folder.
// Blocks; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/fetch/source.h"
#include "operator/protocol/span_uri.h"

namespace penstock::fetch {

struct SpanObjects {
  std::string name;                   // "2026-01-08", "2026-01-08T13"
  std::vector<SourceObject> objects;  // by key; empty: a gap
  TimePoint begin = {};               // when the clock first shows it
};

struct ReadSpans {
  std::string fingerprint;         // of all objects, as of a folder; empty where nothing does
  std::vector<SpanObjects> spans;  // of the window, the earliest first
};

// Writes `target` as a folder, each object at what its key has behind CommonFolder(). What is
// listed is what keys of the window's spans begin with, page by page and each once; each object is
// read as it was listed (source.h). With settings.flat, which is for who reads a table, what the
// pattern leaves open and begins with . or _ (_SUCCESS) is none.
//
// Invalid where the machine does not know the URI's zone.
// NotFound, with their names, for spans without an object where the URI does not allow them, and
// where no span has one; Invalid for more than 100,000 objects.
[[nodiscard]] Result<ReadSpans> FetchSpans(SourceStore& store, const SpanUri& uri, TimePoint now,
                                           const std::filesystem::path& target,
                                           const SourceSettings& settings);

}  // namespace penstock::fetch
