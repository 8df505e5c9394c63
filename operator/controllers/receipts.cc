#include "operator/controllers/receipts.h"

#include <algorithm>
#include <set>

namespace penstock::controllers {
namespace {

// Where it cannot be looked receipts may stay, which is said.
std::vector<std::string> NamesOf(const Context& context, Result<std::vector<std::string>> names) {
  if (names) return *std::move(names);
  // What is no name of a namespace was not made by us.
  if (names.error().kind != ErrorKind::kInvalid)
    context.warn("receipts of runs that are gone may stay: " + names.error().message);
  return {};
}

}  // namespace

Result<void> RemoveReceipts(const artifacts::Store& store, const std::string& ns,
                            const std::string& run_uid) {
  // A UID is a path part here: one that could climb is no UID of an API server.
  if (run_uid.empty() || run_uid.find_first_of("/.") != std::string::npos) return {};
  return store.RemoveReceipts(ns, run_uid);
}

std::vector<RunReceipts> StaleReceipts(const Context& context,
                                       const std::vector<std::string>& namespaces) {
  std::vector<RunReceipts> stale;
  for (const std::string& ns : NamesOf(context, context.store.Namespaces())) {
    if (!namespaces.empty() &&
        std::find(namespaces.begin(), namespaces.end(), ns) == namespaces.end()) {
      continue;
    }
    std::vector<std::string> kept = NamesOf(context, context.store.RunsWithReceipts(ns));
    // The runs are listed after the folders: the receipts of a run that began in between are not
    // among them, so nothing that is still written is taken for stale.
    std::set<std::string> live;
    for (const auto& run : context.snapshots.runs.List(ns)) live.insert(run->meta.uid);
    for (std::string& uid : kept) {
      if (!live.contains(uid)) stale.push_back({ns, std::move(uid)});
    }
  }
  return stale;
}

}  // namespace penstock::controllers
