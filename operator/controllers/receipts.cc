#include "operator/controllers/receipts.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"

namespace penstock::controllers {
namespace {

// A folder that is not there holds nothing; of another one receipts may stay, which is said.
void Tell(const Context& context, const std::filesystem::path& folder, std::error_code error) {
  if (!error || error == std::errc::no_such_file_or_directory ||
      error == std::errc::not_a_directory)
    return;
  context.warn("receipts of runs that are gone may stay: " +
               FromErrno("reading folder " + folder.string(), error.value()).message);
}

}  // namespace

Result<void> RemoveReceipts(const artifacts::Store& store, const std::string& ns,
                            const std::string& run_uid) {
  // A UID is a path part here: one that could climb is no UID of an API server.
  if (run_uid.empty() || run_uid.find_first_of("/.") != std::string::npos) return {};
  return artifacts::RemoveTree(store.root() / ns / "receipts" / run_uid);
}

std::vector<RunReceipts> StaleReceipts(const Context& context,
                                       const std::vector<std::string>& namespaces) {
  namespace fs = std::filesystem;
  std::vector<RunReceipts> stale;
  std::error_code error;
  for (fs::directory_iterator it(context.store.root(), error), end; !error && it != end;
       it.increment(error)) {
    const std::string ns = it->path().filename();
    if (!namespaces.empty() &&
        std::find(namespaces.begin(), namespaces.end(), ns) == namespaces.end()) {
      continue;
    }
    std::vector<std::string> kept;
    std::error_code inner;
    for (fs::directory_iterator run(it->path() / "receipts", inner), stop; !inner && run != stop;
         run.increment(inner)) {
      kept.push_back(run->path().filename());
    }
    Tell(context, it->path() / "receipts", inner);
    // The runs are listed after the folders: the receipts of a run that began in between are not
    // among them, so nothing that is still written is taken for stale.
    std::set<std::string> live;
    for (const auto& run : context.snapshots.runs.List(ns)) live.insert(run->meta.uid);
    for (std::string& uid : kept) {
      if (!live.contains(uid)) stale.push_back({ns, std::move(uid)});
    }
  }
  Tell(context, context.store.root(), error);
  return stale;
}

}  // namespace penstock::controllers
