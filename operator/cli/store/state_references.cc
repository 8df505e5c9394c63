#include "operator/cli/store/state_references.h"

#include <filesystem>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/metadata/query.h"
#include "operator/retention/cluster_references.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

Result<void> TextsOfFile(const fs::path& path, const artifacts::References::TextSink& sink) {
  const auto text = ReadFile(path);
  if (!text && text.error().kind == ErrorKind::kNotFound) return {};  // it went just now
  if (!text) return text.error();
  PENSTOCK_ASSIGN(const Json object, ParseJson(*text, path.string()));
  return retention::TextsOf(object, sink);
}

}  // namespace

// All kinds that stand there, those of later versions too.
Result<void> StateReferences::Each(const std::string&, const TextSink& sink,
                                   const std::stop_token& stop) {
  std::error_code error;
  const fs::path objects = state_.root() / "objects";
  for (fs::recursive_directory_iterator it(objects, error), end; !error && it != end;
       it.increment(error)) {
    if (stop.stop_requested()) return Cancelled("it was stopped");
    if (it->path().extension() == ".json") PENSTOCK_TRY(TextsOfFile(it->path(), sink));
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return FromErrno("reading folder " + objects.string(), error.value());
  // What `penstock serve` serves.
  const auto serve = ReadFile(state_.root() / "serve.json");
  if (serve) sink(*serve);
  if (!serve && serve.error().kind != ErrorKind::kNotFound) return serve.error();
  return retention::HistoryOf(metadata::Query(state_.root() / "metadata.sqlite"), kLocalNamespace,
                              clock_.Now() - keep_, sink);
}

}  // namespace penstock::cli
